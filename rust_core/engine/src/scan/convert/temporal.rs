//! Dates, times and instants in ISO 8601, the proleptic Gregorian calendar, years 0001 to 9999.

use super::{Fault, trim};

const MICROS_A_SECOND: i64 = 1_000_000;
const MICROS_A_DAY: i64 = 86_400 * MICROS_A_SECOND;

/// Days since 1970-01-01 of `YYYY-MM-DD`. A time of day behind it is accepted when it is midnight.
///
/// # Errors
/// [`Fault::Syntax`]; [`Fault::Range`] for a day that does not exist; [`Fault::Digits`] for a time of
/// day that a date would lose.
#[inline]
pub fn parse_date(field: &[u8]) -> Result<i32, Fault> {
    let field = trim(field);
    if let Ok(digits) = <&[u8; 10]>::try_from(field) {
        return days(digits);
    }
    let moment = Moment::read(field)?;
    match (moment.micros, moment.zone) {
        (_, Some(_)) => Err(Fault::Zone),
        (0, None) => Ok(moment.day),
        _ => Err(Fault::Digits),
    }
}

/// Microseconds since 1970-01-01T00:00:00 of `YYYY-MM-DD`, optionally followed by `T` or a space and
/// `HH:MM[:SS[.fraction]]`.
///
/// # Errors
/// As for [`parse_date`]; [`Fault::Zone`] when a time zone is written, which this type would lose;
/// [`Fault::Digits`] for fractions finer than microseconds.
#[inline]
pub fn parse_timestamp(field: &[u8]) -> Result<i64, Fault> {
    let moment = Moment::read(trim(field))?;
    if moment.zone.is_some() {
        return Err(Fault::Zone);
    }
    Ok(moment.local())
}

/// Microseconds since 1970-01-01T00:00:00Z of a timestamp with a zone: `Z`, `UTC`, `±HH`, `±HHMM` or
/// `±HH:MM`. Without a zone a declared column means UTC.
///
/// # Errors
/// As for [`parse_timestamp`]; with `strict` (the type was inferred) [`Fault::NoZone`].
#[inline]
pub fn parse_instant(field: &[u8], strict: bool) -> Result<i64, Fault> {
    let moment = Moment::read(trim(field))?;
    match moment.zone {
        Some(offset) => Ok(moment.local() - offset),
        None if strict => Err(Fault::NoZone),
        None => Ok(moment.local()),
    }
}

/// Microseconds since midnight of `HH:MM[:SS[.fraction]]`.
///
/// # Errors
/// [`Fault::Syntax`], [`Fault::Range`], [`Fault::Digits`] for fractions finer than microseconds.
#[inline]
pub fn parse_time(field: &[u8]) -> Result<i64, Fault> {
    let (micros, rest) = time_of_day(trim(field))?;
    if rest.is_empty() {
        Ok(micros)
    } else {
        Err(Fault::Syntax)
    }
}

/// A date, a time of day and perhaps an offset from UTC in microseconds.
struct Moment {
    day: i32,
    micros: i64,
    zone: Option<i64>,
}

impl Moment {
    #[inline]
    fn read(field: &[u8]) -> Result<Self, Fault> {
        let (date, rest) = field.split_first_chunk::<10>().ok_or(Fault::Syntax)?;
        let day = days(date)?;
        let rest = match rest {
            [] => {
                return Ok(Self {
                    day,
                    micros: 0,
                    zone: None,
                });
            }
            [b'T' | b't' | b' ', rest @ ..] => rest,
            _ => return Err(Fault::Syntax),
        };
        let (micros, rest) = time_of_day(rest)?;
        Ok(Self {
            day,
            micros,
            zone: zone(rest)?,
        })
    }

    fn local(&self) -> i64 {
        i64::from(self.day) * MICROS_A_DAY + self.micros
    }
}

/// `YYYY-MM-` as a word, of which zeros and dashes are taken to leave digits and nothing.
const WRITTEN: u64 = u64::from_le_bytes(*b"0000-00-");
/// Added to such a word, sets the highest bit of bytes that are not digits or not nothing.
const TOO_MUCH: u64 = 0x7F76_767F_7676_7676;
const HIGHEST_BITS: u64 = 0x8080_8080_8080_8080;
/// The days of each month, and those before it in a year that starts in March.
const MONTHS: [(u32, u32); 13] = [
    (0, 0),
    (31, 306),
    (28, 337),
    (31, 0),
    (30, 31),
    (31, 61),
    (30, 92),
    (31, 122),
    (31, 153),
    (30, 184),
    (31, 214),
    (30, 245),
    (31, 275),
];
/// From 0000-03-01 to 1970-01-01.
const DAYS_TO_EPOCH: i32 = 719_468;

#[inline]
fn days(text: &[u8; 10]) -> Result<i32, Fault> {
    let [y1, y2, y3, y4, dash, m1, m2, other_dash, d1, d2] = *text;
    let word = u64::from_le_bytes([y1, y2, y3, y4, dash, m1, m2, other_dash]) ^ WRITTEN;
    let (d1, d2) = (d1.wrapping_sub(b'0'), d2.wrapping_sub(b'0'));
    if (word | word.wrapping_add(TOO_MUCH)) & HIGHEST_BITS != 0 || d1 > 9 || d2 > 9 {
        return Err(Fault::Syntax);
    }
    let digit = |place: u32| (word >> (8 * place)) as u32 & 0xFF;
    let year = digit(0) * 1000 + digit(1) * 100 + digit(2) * 10 + digit(3);
    let month = digit(5) * 10 + digit(6);
    let day = u32::from(d1) * 10 + u32::from(d2);
    let (length, before) = MONTHS.get(month as usize).copied().unwrap_or_default();
    let leap = month == 2 && year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if year == 0 || day == 0 || day > length + u32::from(leap) {
        return Err(Fault::Range);
    }
    // Years are counted from March so that a leap day ends its year.
    let year = if month <= 2 { year - 1 } else { year };
    let days = year * 365 + year / 4 - year / 100 + year / 400 + before + day - 1;
    Ok(days.cast_signed() - DAYS_TO_EPOCH)
}

/// Reads `HH:MM[:SS[.fraction]]`; gives microseconds and what follows.
#[inline]
fn time_of_day(text: &[u8]) -> Result<(i64, &[u8]), Fault> {
    let (hour, rest) = two_digits(text)?;
    let (minute, rest) = two_digits(rest.strip_prefix(b":").ok_or(Fault::Syntax)?)?;
    let (second, rest) = match rest {
        [b':', rest @ ..] => two_digits(rest)?,
        _ => (0, rest),
    };
    let (fraction, rest) = match rest {
        [b'.' | b',', rest @ ..] => fraction(rest)?,
        _ => (0, rest),
    };
    if hour > 23 || minute > 59 || second > 59 {
        return Err(Fault::Range);
    }
    Ok((
        ((hour * 60 + minute) * 60 + second) * MICROS_A_SECOND + fraction,
        rest,
    ))
}

#[inline]
fn two_digits(text: &[u8]) -> Result<(i64, &[u8]), Fault> {
    match text {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9', rest @ ..] => {
            Ok((i64::from(tens - b'0') * 10 + i64::from(ones - b'0'), rest))
        }
        _ => Err(Fault::Syntax),
    }
}

fn fraction(text: &[u8]) -> Result<(i64, &[u8]), Fault> {
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at_checked(length).ok_or(Fault::Syntax)?;
    if digits.is_empty() {
        return Err(Fault::Syntax);
    }
    let mut micros = 0;
    for place in 0..6 {
        micros = micros * 10 + digits.get(place).map_or(0, |digit| i64::from(digit - b'0'));
    }
    if digits.iter().skip(6).any(|&digit| digit != b'0') {
        return Err(Fault::Digits);
    }
    Ok((micros, rest))
}

/// An offset from UTC in microseconds; none when nothing is written.
fn zone(text: &[u8]) -> Result<Option<i64>, Fault> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    let (sign, rest) = match text {
        [] => return Ok(None),
        [b'Z' | b'z'] | [b'U', b'T', b'C'] => return Ok(Some(0)),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err(Fault::Syntax),
    };
    let (hours, rest) = two_digits(rest)?;
    let (minutes, rest) = match rest {
        [] => (0, rest),
        [b':', rest @ ..] => two_digits(rest)?,
        _ => two_digits(rest)?,
    };
    if !rest.is_empty() {
        return Err(Fault::Syntax);
    }
    if hours > 23 || minutes > 59 {
        return Err(Fault::Range);
    }
    Ok(Some(sign * (hours * 60 + minutes) * 60 * MICROS_A_SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Datelike, NaiveDate};
    use proptest::prelude::*;

    #[test]
    fn dates_that_do_not_exist_are_refused() {
        assert_eq!(parse_date(b"1970-01-01"), Ok(0));
        assert_eq!(parse_date(b"2024-02-29"), Ok(19_782));
        assert_eq!(parse_date(b"2024-02-29T00:00:00"), Ok(19_782));
        for text in [
            &b"2023-02-29"[..],
            b"1900-02-29",
            b"2024-13-01",
            b"2024-00-10",
            b"2024-04-31",
            b"0000-01-01",
        ] {
            assert_eq!(parse_date(text), Err(Fault::Range));
        }
        for text in [
            &b"2024-1-01"[..],
            b"01/02/2024",
            b"20240101",
            b"",
            b"2024-01-01x",
        ] {
            assert_eq!(parse_date(text), Err(Fault::Syntax));
        }
        assert_eq!(parse_date(b"2024-01-01 10:00"), Err(Fault::Digits));
        assert_eq!(parse_date(b"2024-01-01T00:00Z"), Err(Fault::Zone));
    }

    #[test]
    fn timestamps_keep_microseconds_or_are_refused() {
        assert_eq!(parse_timestamp(b"1970-01-01T00:00:01.5"), Ok(1_500_000));
        assert_eq!(parse_timestamp(b"1969-12-31 23:59:59.999999"), Ok(-1));
        assert_eq!(parse_timestamp(b"1970-01-02"), Ok(MICROS_A_DAY));
        assert_eq!(parse_timestamp(b"1970-01-01 00:00:00.0000010"), Ok(1));
        assert_eq!(
            parse_timestamp(b"1970-01-01 00:00:00.0000011"),
            Err(Fault::Digits)
        );
        assert_eq!(parse_timestamp(b"1970-01-01 24:00:00"), Err(Fault::Range));
        assert_eq!(parse_timestamp(b"1970-01-01 00:00:60"), Err(Fault::Range));
        assert_eq!(parse_timestamp(b"1970-01-01 00:00:00."), Err(Fault::Syntax));
        assert_eq!(parse_timestamp(b"1970-01-01 00:00:00Z"), Err(Fault::Zone));
    }

    #[test]
    fn instants_are_moved_to_utc() {
        for text in [
            &b"2013-01-01T10:00:00Z"[..],
            b"2013-01-01 12:00+02",
            b"2013-01-01T04:30:00-0530",
            b"2013-01-01 11:00:00 +01:00",
            b"2013-01-01 10:00:00 UTC",
        ] {
            assert_eq!(
                parse_instant(text, true),
                Ok(1_357_034_400_000_000),
                "{text:?}"
            );
        }
        assert_eq!(
            parse_instant(b"2013-01-01T10:00:00", true),
            Err(Fault::NoZone)
        );
        assert_eq!(
            parse_instant(b"2013-01-01T10:00:00", false),
            Ok(1_357_034_400_000_000)
        );
        assert_eq!(
            parse_instant(b"2013-01-01T10:00:00+25:00", false),
            Err(Fault::Range)
        );
        assert_eq!(
            parse_instant(b"2013-01-01T10:00:00 CET", false),
            Err(Fault::Syntax)
        );
    }

    #[test]
    fn times_of_day() {
        assert_eq!(parse_time(b"23:59:59.999999"), Ok(MICROS_A_DAY - 1));
        assert_eq!(parse_time(b"00:00"), Ok(0));
        assert_eq!(parse_time(b"7:30"), Err(Fault::Syntax));
        assert_eq!(parse_time(b"24:00"), Err(Fault::Range));
        assert_eq!(parse_time(b"12:00Z"), Err(Fault::Syntax));
    }

    proptest! {
        #[test]
        fn days_equal_another_calendar(year in 1_i32..=9999, month in 0_u32..=13, day in 0_u32..=32) {
            let expected = NaiveDate::from_ymd_opt(year, month, day)
                .map(|date| date.num_days_from_ce() - 719_163);
            let text = format!("{year:04}-{month:02}-{day:02}");
            prop_assert_eq!(parse_date(text.as_bytes()).ok(), expected);
        }
    }
}
