//! From a checkpoint to a model pack, for JavaScript: it reads the bytes and keeps those that come back.

use js_sys::Uint8Array;
use serde::Serialize;
use wasm_bindgen::prelude::*;

use super::types::to_js;
use super::{JsResult, throw};
use crate::clip::checkpoint::{self, Converter, Part, Plan, Precision, SourceHash};
use crate::clip::pack::{FORMAT, Manifest, PackFile};

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** The bytes that a conversion wants next: `start` to before `end` of a file. */
export interface Piece {
  file: string;
  start: number;
  end: number;
}

/** What a pack says of itself besides its shape. */
export interface PackNaming {
  id: string;
  name: string;
  licence: string;
  source: string;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// `Piece | null` in TypeScript.
    #[wasm_bindgen(typescript_type = "Piece | null")]
    pub type JsPiece;
}

#[derive(Serialize)]
struct JsonPiece {
    file: String,
    start: f64,
    end: f64,
}

/// A checkpoint's configuration and headers.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Checkpoint {
    config: crate::clip::config::ClipConfig,
    parts: Vec<Part>,
    hashes: Vec<SourceHash>,
    tokenizer: Option<PackFile>,
}

#[wasm_bindgen]
impl Checkpoint {
    /// `config` is the text of `config.json`.
    ///
    /// # Errors
    /// `pack-manifest`.
    #[wasm_bindgen(constructor)]
    pub fn new(config: &str) -> JsResult<Checkpoint> {
        let config = checkpoint::read_config(config).map_err(throw)?;
        Ok(Self { config, parts: Vec::new(), hashes: Vec::new(), tokenizer: None })
    }

    /// The weight files that `model.safetensors.index.json` (its text) names.
    ///
    /// # Errors
    /// `weights-header`.
    #[wasm_bindgen(js_name = filesOfIndex)]
    pub fn files_of_index(index: &str) -> JsResult<Vec<String>> {
        checkpoint::files_of_index(index).map_err(throw)
    }

    /// How many of a file's first bytes [`Checkpoint::add`] needs, from the first eight.
    ///
    /// # Errors
    /// `weights-header`.
    #[wasm_bindgen(js_name = headerBytes)]
    pub fn header_bytes(file: &str, head: &[u8]) -> JsResult<usize> {
        Part::header_bytes(file, head).map_err(throw)
    }

    /// Adds a file of `bytes` bytes, of which `head` is the beginning; `sha256` is what its source says it must be.
    ///
    /// # Errors
    /// `weights-header`.
    #[allow(clippy::needless_pass_by_value, reason = "the form that wasm-bindgen takes")]
    pub fn add(
        &mut self,
        file: &str,
        head: &[u8],
        bytes: f64,
        #[wasm_bindgen(unchecked_param_type = "string | null")] sha256: Option<String>,
    ) -> JsResult<()> {
        self.parts.push(Part::read(file, head, bytes as u64).map_err(throw)?);
        self.hashes.push(SourceHash::new(file, head, bytes as u64, sha256.as_deref()));
        Ok(())
    }

    /// Whether there is a text tower, which needs a tokenizer.
    #[wasm_bindgen(getter)]
    #[must_use]
    pub fn text(&self) -> bool {
        self.config.text.is_some()
    }

    /// Takes the checkpoint's own `tokenizer.json`, which knows `vocabulary` tokens and which the pack then names; the
    /// caller keeps it.
    ///
    /// # Errors
    /// `tokenizer-mismatch`.
    #[wasm_bindgen(js_name = useTokenizer)]
    pub fn use_tokenizer(&mut self, json: &[u8], vocabulary: usize) -> JsResult<()> {
        let own = self.config.text.as_ref().map(|tower| checkpoint::own_tokenizer(json, vocabulary, tower));
        self.tokenizer = own.transpose().map_err(throw)?;
        Ok(())
    }

    /// Begins the conversion, or goes on after `written` bytes of the pack's file.
    ///
    /// # Errors
    /// `tensor-…`, before anything is written.
    pub fn convert(self, int8: bool, written: f64) -> JsResult<Conversion> {
        let precision = if int8 { Precision::Int8 } else { Precision::Half };
        let plan = Plan::new(self.config, &self.parts, precision).map_err(throw)?;
        let converter = Converter::new(plan, written as u64);
        Ok(Conversion { converter, hashes: self.hashes, tokenizer: self.tokenizer })
    }
}

/// A conversion under way.
#[wasm_bindgen]
#[derive(Debug)]
pub struct Conversion {
    converter: Converter,
    hashes: Vec<SourceHash>,
    tokenizer: Option<PackFile>,
}

#[wasm_bindgen]
impl Conversion {
    /// How many of the written bytes stand; they are to be passed to [`Conversion::rehash`].
    #[wasm_bindgen(getter)]
    pub fn kept(&self) -> f64 {
        self.converter.kept() as f64
    }

    /// Bytes of tensors that were read.
    #[wasm_bindgen(getter)]
    pub fn done(&self) -> f64 {
        self.converter.read_bytes() as f64
    }

    /// Bytes of tensors that will have been read.
    #[wasm_bindgen(getter)]
    pub fn total(&self) -> f64 {
        self.converter.plan().source_bytes() as f64
    }

    /// Length of the pack's file.
    #[wasm_bindgen(getter, js_name = packBytes)]
    pub fn pack_bytes(&self) -> f64 {
        self.converter.plan().pack_bytes() as f64
    }

    /// What is to be pushed next; `null`: everything was.
    ///
    /// # Errors
    /// None.
    #[wasm_bindgen(getter)]
    pub fn wants(&self) -> JsResult<JsPiece> {
        let piece = self.converter.wants();
        to_js(&piece.map(|piece| JsonPiece { file: piece.file, start: piece.start as f64, end: piece.end as f64 }))
    }

    /// Whether every file was compared with the SHA-256 that its source gives.
    ///
    /// # Errors
    /// None that [`Conversion::push`] has not thrown before.
    #[wasm_bindgen(getter)]
    pub fn checked(&self) -> JsResult<bool> {
        let checked = self.hashes.iter().map(SourceHash::is_checked).collect::<Result<Vec<_>, _>>();
        Ok(checked.map_err(throw)?.into_iter().all(|checked| checked))
    }

    /// The kept bytes, in order.
    pub fn rehash(&mut self, bytes: &[u8]) {
        self.converter.rehash(bytes);
    }

    /// The next bytes of what is wanted; gives the next bytes of the pack's file.
    ///
    /// # Errors
    /// `not-finite` with the tensor's name, `weights-header`; `pack-hash` at the end of a file that is not the one
    /// that its source names.
    pub fn push(&mut self, chunk: &[u8]) -> JsResult<Uint8Array> {
        if let Some(piece) = self.converter.wants()
            && let Some(hash) = self.hashes.iter_mut().find(|hash| hash.file() == piece.file)
        {
            hash.go_to(piece.start);
            hash.update(chunk);
            hash.is_checked().map_err(throw)?;
        }
        Ok(Uint8Array::from(self.converter.push(chunk).map_err(throw)?.as_slice()))
    }

    /// Everything was pushed: the text of `pack.json`.
    ///
    /// # Errors
    /// `weights-header`, `pack-length`.
    pub fn finish(self, #[wasm_bindgen(unchecked_param_type = "PackNaming")] naming: JsValue) -> JsResult<String> {
        let Naming { id, name, licence, source } = serde_wasm_bindgen::from_value(naming)?;
        let clip = self.converter.plan().config.clone();
        let files = vec![self.converter.finish().map_err(throw)?];
        let tokenizer = self.tokenizer;
        Manifest { format: FORMAT, id, name, licence, source, clip, files, tokenizer }.to_json().map_err(throw)
    }
}

#[derive(serde::Deserialize)]
struct Naming {
    id: String,
    name: String,
    licence: String,
    source: String,
}
