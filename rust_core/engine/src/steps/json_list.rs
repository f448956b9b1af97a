//! A function that reads text as a JSON array and gives its elements as text.

use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, ListBuilder, StringBuilder};
use arrow::datatypes::{DataType, Field};
use datafusion::error::Result;
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility,
};

use crate::reject::{RejectCode, RowFault};
use crate::scan::jsonl::text::decode;
use crate::scan::jsonl::token::array;

/// The function. Strings lose their quotes; other values stay as they are written.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct JsonList {
    signature: Signature,
}

impl Default for JsonList {
    fn default() -> Self {
        Self {
            signature: Signature::exact(vec![DataType::Utf8], Volatility::Immutable),
        }
    }
}

impl ScalarUDFImpl for JsonList {
    fn name(&self) -> &'static str {
        "json_elements"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        let item = Field::new_list_field(DataType::Utf8, true);
        Ok(DataType::List(Arc::new(item)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut lists = ListBuilder::new(StringBuilder::new());
        for array in ColumnarValue::values_to_arrays(&args.args)? {
            for text in array.as_string::<i32>() {
                if let Some(text) = text {
                    append(text, lists.values())?;
                }
                lists.append(text.is_some());
            }
        }
        let lists: ArrayRef = Arc::new(lists.finish());
        Ok(ColumnarValue::Array(lists))
    }
}

fn append(text: &str, out: &mut StringBuilder) -> Result<()> {
    let refused = |why: &str| {
        let shown: String = text.chars().take(200).collect();
        let message = format!("'{shown}' is not a JSON array: {why}");
        RowFault::error(RejectCode::ConversionFailed, message)
    };
    let mut elements = Vec::new();
    array(text.as_bytes(), |element| elements.push(element)).map_err(|invalid| {
        refused(if invalid.at < text.len() {
            invalid.what
        } else {
            "it ends too early"
        })
    })?;
    for (start, end) in elements {
        match text.as_bytes().get(start..end).unwrap_or_default() {
            b"null" => out.append_null(),
            [b'"', inner @ .., b'"'] => {
                let mut plain = Vec::new();
                decode(inner, &mut plain).map_err(|_| refused("a string is not text"))?;
                out.append_value(String::from_utf8_lossy(&plain));
            }
            _ => out.append_value(text.get(start..end).unwrap_or_default()),
        }
    }
    Ok(())
}
