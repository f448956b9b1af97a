//! SQL in definitions.

use etlplus_engine::steps::syntax::{self, Fault};
use pyo3::prelude::*;

type Found = (Vec<String>, Option<(String, usize, usize)>);

/// Reads a query or an expression: its tables; or why it is no SQL, with line and column or zeros.
#[pyfunction]
pub fn read_sql(py: Python<'_>, text: &str, query: bool) -> Found {
    let found = py.detach(|| {
        if query {
            syntax::tables(text)
        } else {
            syntax::expression(text).map(|()| Vec::new())
        }
    });
    match found {
        Ok(tables) => (tables, None),
        Err(Fault { message, place }) => {
            let (line, column) = place.unwrap_or_default();
            (Vec::new(), Some((message, line, column)))
        }
    }
}
