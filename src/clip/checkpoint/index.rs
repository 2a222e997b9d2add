//! `model.safetensors.index.json` of a checkpoint in parts: which file holds which tensor.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use crate::{Error, Result};

const NAME: &str = "model.safetensors.index.json";

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The names of the files, in order.
///
/// # Errors
/// [`Error::WeightsHeader`] where the index cannot be read or names something that is not a file beside it.
pub fn files_of_index(json: &str) -> Result<Vec<String>> {
    let refuse = |message: String| Error::WeightsHeader { file: NAME.to_owned(), message };
    let index: Index = serde_json::from_str(json).map_err(|error| refuse(error.to_string()))?;
    let files: BTreeSet<String> = index.weight_map.into_values().collect();
    if files.is_empty() || files.len() > 1_000 {
        return Err(refuse(format!("it names {} files", files.len())));
    }
    let plain = |name: &str| name.ends_with(".safetensors") && !name.contains(['/', '\\']) && !name.starts_with('.');
    match files.iter().find(|name| !plain(name)) {
        Some(name) => Err(refuse(format!("{name} is not the name of a safetensors file beside it"))),
        None => Ok(files.into_iter().collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_come_once_and_in_order() {
        let json = r#"{"metadata": {}, "weight_map": {"a": "m-2.safetensors", "b": "m-1.safetensors", "c": "m-2.safetensors"}}"#;
        assert_eq!(files_of_index(json).unwrap(), ["m-1.safetensors", "m-2.safetensors"]);
    }

    #[test]
    fn a_path_elsewhere_is_refused() {
        for name in ["../x.safetensors", "/x.safetensors", ".safetensors", "x.bin"] {
            let json = format!(r#"{{"weight_map": {{"a": "{name}"}}}}"#);
            assert_eq!(files_of_index(&json).unwrap_err().code(), "weights-header", "{name}");
        }
    }
}
