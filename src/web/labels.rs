//! Labels of a folder's pictures, for JavaScript: paths in, labels out; no file is opened.

use std::collections::BTreeMap;

use wasm_bindgen::prelude::*;

use super::types::to_js;
use crate::train::data::labels::{Mapping, Metadata, read_labels};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** A `metadata.csv` or `metadata.jsonl` of the picked folder. */
export interface MetadataFile {
  /** Relative to the picked folder, like every path here. */
  path: string;
  text: string;
}

/** What a person says of folders, by path; it holds for what lies beneath. */
export type FolderMapping = Record<string, "real" | "generated" | "skip">;

/** What became of a folder's files. */
export interface Labelling {
  /** `source` is empty where the folder names none. */
  pictures: { path: string; source: string; generated: boolean; text: string | null }[];
  /** Folders that a person has to map. */
  unknown: { folder: string; count: number }[];
  /** Files that were left out, and why. */
  problems: { path: string; message: string }[];
}
"#;

#[wasm_bindgen]
extern "C" {
    /// `Labelling` in TypeScript.
    #[wasm_bindgen(typescript_type = "Labelling")]
    pub type JsLabelling;
}

/// Labels the pictures among `paths` by the names of their folders and by metadata.
///
/// # Errors
/// None, with arguments of the declared types.
#[wasm_bindgen(js_name = readLabels)]
#[allow(clippy::needless_pass_by_value, reason = "the form that wasm-bindgen takes")]
pub fn labels(
    paths: Vec<String>,
    #[wasm_bindgen(unchecked_param_type = "MetadataFile[]")] metadata: JsValue,
    #[wasm_bindgen(unchecked_param_type = "FolderMapping")] mapping: JsValue,
) -> Result<JsLabelling, JsValue> {
    let metadata: Vec<Metadata> = serde_wasm_bindgen::from_value(metadata)?;
    let mapping: BTreeMap<String, Mapping> = serde_wasm_bindgen::from_value(mapping)?;
    to_js(&read_labels(&paths, &metadata, &mapping))
}
