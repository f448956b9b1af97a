//! Takes a line with one JSON object apart: names and the bytes of values, checked but not decoded.

/// The deepest nesting of a value.
pub const MAX_DEPTH: usize = 100;

/// Why a line is not one JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// What is wrong.
    pub what: &'static str,
    /// At which byte of the line, from 0.
    pub at: usize,
}

/// A member of an object, as positions in the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// The name between its quotes.
    pub name: (usize, usize),
    /// The value, strings with their quotes.
    pub value: (usize, usize),
}

/// Reads a line; gives each member of its object to `visit` in order.
///
/// # Errors
/// When the line is not exactly one JSON object.
pub fn object(line: &[u8], mut visit: impl FnMut(Member)) -> Result<(), Invalid> {
    let mut reader = Reader { line, at: 0 };
    reader.space();
    reader.expect(b'{', "the line is not a JSON object")?;
    reader.space();
    if reader.peek() == Some(b'}') {
        reader.at += 1;
    } else {
        loop {
            reader.space();
            let name = reader.string()?;
            reader.space();
            reader.expect(b':', "a colon is missing")?;
            reader.space();
            let start = reader.at;
            reader.value()?;
            visit(Member {
                name: (name.0 + 1, name.1 - 1),
                value: (start, reader.at),
            });
            reader.space();
            match reader.next() {
                Some(b',') => {}
                Some(b'}') => break,
                _ => return Err(reader.wrong_before("a comma or closing brace is missing")),
            }
        }
    }
    reader.space();
    if reader.at < line.len() {
        Err(reader.wrong("text follows the object"))
    } else {
        Ok(())
    }
}

/// Reads an array; gives the position of each of its elements to `visit` in order.
///
/// # Errors
/// When the text is not exactly one JSON array.
pub fn array(text: &[u8], mut visit: impl FnMut((usize, usize))) -> Result<(), Invalid> {
    let mut reader = Reader { line: text, at: 0 };
    reader.space();
    reader.expect(b'[', "an opening bracket is missing")?;
    reader.space();
    if reader.peek() == Some(b']') {
        reader.at += 1;
    } else {
        loop {
            reader.space();
            let start = reader.at;
            reader.value()?;
            visit((start, reader.at));
            reader.space();
            match reader.next() {
                Some(b',') => {}
                Some(b']') => break,
                _ => return Err(reader.wrong_before("a comma or closing bracket is missing")),
            }
        }
    }
    reader.space();
    if reader.at < text.len() {
        Err(reader.wrong("text follows the array"))
    } else {
        Ok(())
    }
}

struct Reader<'a> {
    line: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    #[inline]
    fn peek(&self) -> Option<u8> {
        self.line.get(self.at).copied()
    }

    #[inline]
    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += 1;
        byte
    }

    #[inline]
    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn wrong(&self, what: &'static str) -> Invalid {
        Invalid { what, at: self.at }
    }

    fn wrong_before(&self, what: &'static str) -> Invalid {
        Invalid {
            what,
            at: self.at.saturating_sub(1),
        }
    }

    #[inline]
    fn expect(&mut self, wanted: u8, what: &'static str) -> Result<(), Invalid> {
        if self.peek() != Some(wanted) {
            return Err(self.wrong(what));
        }
        self.at += 1;
        Ok(())
    }

    /// Reads any value, however deep, without recursion.
    #[inline]
    fn value(&mut self) -> Result<(), Invalid> {
        match self.peek() {
            Some(b'{' | b'[') => self.nested(),
            _ => self.scalar(),
        }
    }

    #[inline]
    fn scalar(&mut self) -> Result<(), Invalid> {
        match self.peek() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word(b"true"),
            Some(b'f') => self.word(b"false"),
            Some(b'n') => self.word(b"null"),
            None => Err(self.wrong("the line ends within the object")),
            _ => Err(self.wrong("a value is missing")),
        }
    }

    fn word(&mut self, word: &[u8]) -> Result<(), Invalid> {
        let found = self.line.get(self.at..self.at + word.len());
        if found != Some(word) {
            return Err(self.wrong("a value is neither text nor a number, true, false or null"));
        }
        self.at += word.len();
        Ok(())
    }

    /// A string with its quotes.
    #[inline]
    fn string(&mut self) -> Result<(usize, usize), Invalid> {
        let start = self.at;
        self.expect(b'"', "a quote is missing")?;
        loop {
            match self.next() {
                Some(b'"') => return Ok((start, self.at)),
                Some(b'\\') => self.escape()?,
                Some(byte) if byte >= 0x20 => {}
                Some(_) => return Err(self.wrong_before("a control character stands in a text")),
                None => return Err(self.wrong_before("the line ends within a text")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Invalid> {
        match self.next() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => Ok(()),
            Some(b'u') => {
                let digits = self.line.get(self.at..self.at + 4).unwrap_or_default();
                if digits.len() < 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(self.wrong_before("an escape is not valid"));
                }
                self.at += 4;
                Ok(())
            }
            _ => Err(self.wrong_before("an escape is not valid")),
        }
    }

    #[inline]
    fn number(&mut self) -> Result<(), Invalid> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits()?;
        if whole > 1 && self.line.get(self.at - whole) == Some(&b'0') {
            return Err(self.wrong("a number has a leading zero"));
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    #[inline]
    fn digits(&mut self) -> Result<usize, Invalid> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            Err(self.wrong("a number lacks digits"))
        } else {
            Ok(self.at - start)
        }
    }

    /// An object or array. One bit for each level says whether it is an object.
    fn nested(&mut self) -> Result<(), Invalid> {
        let mut objects = 0_u128;
        let mut depth = 0;
        loop {
            self.space();
            match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    if depth == MAX_DEPTH {
                        return Err(self.wrong("a value is nested too deeply"));
                    }
                    self.at += 1;
                    objects = objects << 1 | u128::from(open == b'{');
                    depth += 1;
                    self.space();
                    let close = if open == b'{' { b'}' } else { b']' };
                    if self.peek() != Some(close) {
                        self.member_name(objects)?;
                        continue;
                    }
                }
                _ => self.scalar()?,
            }
            // After a value: close what ends here, go on behind a comma.
            loop {
                self.space();
                let close = if objects & 1 == 1 { b'}' } else { b']' };
                match self.next() {
                    Some(b',') => {
                        self.member_name(objects)?;
                        break;
                    }
                    Some(byte) if byte == close => {
                        objects >>= 1;
                        depth -= 1;
                        if depth == 0 {
                            return Ok(());
                        }
                    }
                    _ => return Err(self.wrong_before("a comma or closing bracket is missing")),
                }
            }
        }
    }

    /// The name before a value, where the value stands in an object.
    fn member_name(&mut self, objects: u128) -> Result<(), Invalid> {
        if objects & 1 == 1 {
            self.space();
            self.string()?;
            self.space();
            self.expect(b':', "a colon is missing")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(line: &str) -> Result<Vec<(&str, &str)>, Invalid> {
        let mut found = Vec::new();
        object(line.as_bytes(), |member| {
            found.push((
                &line[member.name.0..member.name.1],
                &line[member.value.0..member.value.1],
            ));
        })?;
        Ok(found)
    }

    #[test]
    fn members_are_found_in_order() {
        assert_eq!(members(" { } "), Ok(vec![]));
        let line = r#"{"a": 1,"b":"x\"}","c":{"d":[1,{}]},"e":[],"f":null , "g":-1.5e+3}"#;
        let expected = vec![
            ("a", "1"),
            ("b", "\"x\\\"}\""),
            ("c", "{\"d\":[1,{}]}"),
            ("e", "[]"),
            ("f", "null"),
            ("g", "-1.5e+3"),
        ];
        assert_eq!(members(line), Ok(expected));
    }

    #[test]
    fn deep_values_are_bounded() {
        let nested = |depth| format!("{{\"a\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
        assert!(members(&nested(MAX_DEPTH)).is_ok());
        let error = members(&nested(1_000_000)).unwrap_err();
        assert_eq!(error.what, "a value is nested too deeply");
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(5000))]

        #[test]
        fn a_line_is_read_as_another_reader_does(
            pieces in prop::collection::vec(prop::sample::select(vec![
                "{", "}", "[", "]", ",", ":", "\"", "\"a\"", "\"b\"", "1", "-", "0", ".5", "e1", "true", "null",
                " ", "\\n", "\\u00e9", "x", "\"a\":1", "\"k\":{\"b\":[1,2]}", "\t",
            ]), 0..12),
            wrapped: bool,
        ) {
            let text = pieces.concat();
            let line = if wrapped { format!("{{{text}}}") } else { text };
            let expected = serde_json::from_str::<serde_json::Value>(&line).is_ok_and(|value| value.is_object());
            prop_assert_eq!(members(&line).is_ok(), expected, "{}", line);
        }
    }
}
