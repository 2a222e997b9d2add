//! Four hundred captions against transformers, natively and in a browser; `tests/reference_text.py` of the whole project
//! made the goldens.
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use safelight_tokenizer::{Tokenizer, clean};
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

#[cfg(target_arch = "wasm32")]
wasm_bindgen_test_configure!(run_in_dedicated_worker);

/// Tokens of a caption at most.
const CONTEXT: usize = 77;

/// A caption of `golden/text/captions.json`.
#[derive(serde::Deserialize)]
struct Caption {
    text: String,
    /// What transformers makes of it.
    ids: Vec<u32>,
    /// What Python's `html` makes of it.
    clean: String,
}

fn captions() -> Vec<Caption> {
    let captions: Vec<Caption> = serde_json::from_str(include_str!("../../tests/golden/text/captions.json")).unwrap();
    assert_eq!(captions.len(), 400);
    captions
}

/// CLIP's own, which `cargo xtask models` makes.
#[cfg(target_arch = "wasm32")]
fn tokenizer() -> Tokenizer {
    Tokenizer::read(include_bytes!("../../models/tokenizer.json")).unwrap()
}

/// CLIP's own.
#[cfg(not(target_arch = "wasm32"))]
fn tokenizer() -> Tokenizer {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/tokenizer.json");
    assert!(path.exists(), "run `cargo xtask models` first");
    Tokenizer::read(&std::fs::read(path).unwrap()).unwrap()
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn captions_have_the_ids_that_transformers_gives() {
    let tokenizer = tokenizer();
    let wrong = captions().into_iter().filter_map(|caption| {
        let ids = tokenizer.encode(&caption.text, CONTEXT).unwrap();
        let text: String = caption.text.chars().take(60).collect();
        (ids != caption.ids).then(|| format!("{text:?}: {ids:?} instead of {:?}", caption.ids))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[cfg_attr(not(target_arch = "wasm32"), test)]
#[cfg_attr(target_arch = "wasm32", wasm_bindgen_test)]
fn captions_are_cleaned_as_python_does() {
    for caption in captions() {
        assert_eq!(clean(&caption.text).unwrap_or_default(), caption.clean, "{:?}", caption.text);
    }
}
