//! Reads SQL without knowing any table: for definitions that are checked before anything is opened.

use datafusion::config::ConfigOptions;
use datafusion::error::DataFusionError;
use datafusion::sql::parser::{DFParserBuilder, Statement};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::tokenizer::{Token, Tokenizer};

use super::expr::invalid;
use super::readings::readings;

/// Why a text is no SQL.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong there.
    pub message: String,
    /// The line and column, from 1, where it was noticed; none at the end of the text.
    pub place: Option<(usize, usize)>,
}

/// The tables that a query reads.
///
/// # Errors
/// When the text is not one query.
pub fn tables(query: &str) -> Result<Vec<String>, Fault> {
    let mut statements = parser(query)
        .build()
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| fault(&error))?;
    let statement = statements.pop_front();
    let Some(statement @ Statement::Statement(_)) = statement.filter(|_| statements.is_empty())
    else {
        return Err(one_query());
    };
    match &statement {
        Statement::Statement(inner) if matches!(**inner, ast::Statement::Query(_)) => {
            Ok(readings(&statement).into_keys().collect())
        }
        _ => Err(one_query()),
    }
}

/// Reads an expression.
///
/// # Errors
/// When the text is not one expression.
pub fn expression(sql: &str) -> Result<(), Fault> {
    parser(sql)
        .build()
        .and_then(|mut parser| parser.parse_into_expr())
        .map(|_| ())
        .map_err(|error| fault(&error))
}

/// Where a name first stands in SQL: line and column, from 1.
#[must_use]
pub fn position(sql: &str, name: &str) -> Option<(u64, u64)> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize_with_location();
    let tokens = tokens.ok()?;
    let found = tokens
        .iter()
        .find(|token| matches!(&token.token, Token::Word(word) if word.value == name))?;
    Some((found.span.start.line, found.span.start.column))
}

fn parser(sql: &str) -> DFParserBuilder<'_, '_> {
    let limit = ConfigOptions::default().sql_parser.recursion_limit.get();
    DFParserBuilder::new(sql)
        .with_dialect(&GenericDialect {})
        .with_recursion_limit(limit)
}

fn one_query() -> Fault {
    Fault {
        message: "a sql step takes one query: SELECT, WITH or VALUES".to_owned(),
        place: None,
    }
}

/// The parser names the place in its text: `… at Line: 1, Column: 8`.
fn fault(error: &DataFusionError) -> Fault {
    let text = invalid(error, "").message;
    let text = text.replace("found: EOF", "found: the end");
    let found = text.rsplit_once(" at Line: ").and_then(|(message, place)| {
        let (line, column) = place.split_once(", Column: ")?;
        let column = column.trim_end_matches(|sign: char| !sign.is_ascii_digit());
        Some((
            message.to_owned(),
            (line.parse().ok()?, column.parse().ok()?),
        ))
    });
    match found {
        Some((message, place)) => Fault {
            message,
            place: Some(place),
        },
        None => Fault {
            message: text,
            place: None,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_tells_its_tables() {
        let query = "with a as (select * from b) select * from a join \"C\" on true";
        assert_eq!(tables(query), Ok(vec!["C".to_owned(), "b".to_owned()]));
        assert_eq!(tables("select $pppp"), Ok(Vec::new()));
    }

    #[test]
    fn a_fault_tells_its_place() {
        let found = tables("select a,\n  from b where").unwrap_err();
        assert_eq!(found.place, None, "{found:?}");
        let found = tables("select a\nfrom b wher c = 1").unwrap_err();
        assert_eq!(found.place, Some((2, 13)), "{found:?}");
        assert_eq!(expression("a + * 2").unwrap_err().place, Some((1, 5)));
        assert_eq!(expression("a b c").unwrap_err().place, Some((1, 3)));
    }

    #[test]
    fn a_name_has_a_position() {
        let sql = "case when 'amuont' = a then 1\n  else amuont end";
        assert_eq!(position(sql, "amuont"), Some((2, 8)));
        assert_eq!(position(sql, "missing"), None);
    }

    #[test]
    fn only_queries_are_taken() {
        for text in ["drop table a", "select 1; select 2", "", "copy a to 'b'"] {
            let found = tables(text).unwrap_err();
            assert!(found.message.contains("one query"), "{found:?}");
        }
    }
}
