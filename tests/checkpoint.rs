//! A Hugging Face checkpoint becomes a pack: against transformers and numpy (`tests/reference_checkpoint.py`
//! made the goldens), in pieces of any size, interrupted anywhere, and damaged in every way that has a name.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::path::{Path, PathBuf};

use common::{COSINE, Golden, TOLERANCE, assert_close};
use pollster::block_on;
use safelight::clip::Clip;
use safelight::clip::checkpoint::{Converter, Part, Plan, Precision, files_of_index, own_tokenizer, read_config};
use safelight::clip::pack::{FORMAT, Manifest, PackReader};
use safelight::device::Device;
use safelight::{Error, Result};
use safelight_tokenizer::Tokenizer;
use safetensors::SafeTensors;
use serde_json::{Value, json};

/// A checkpoint in memory.
#[derive(Clone)]
struct Checkpoint {
    config: String,
    files: Vec<(String, Vec<u8>)>,
}

/// A pack in memory.
type Pack = (Manifest, Vec<u8>);

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/checkpoint")
}

fn read(folder: &Path, names: &[String]) -> Checkpoint {
    let files = names.iter().map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap())).collect();
    Checkpoint { config: std::fs::read_to_string(folder.join("config.json")).unwrap(), files }
}

fn whole() -> Checkpoint {
    read(&golden(), &["model.safetensors".to_owned()])
}

fn in_parts() -> Checkpoint {
    let folder = golden().join("parts");
    let index = std::fs::read_to_string(folder.join("model.safetensors.index.json")).unwrap();
    read(&folder, &files_of_index(&index).unwrap())
}

impl Checkpoint {
    fn plan(&self, precision: Precision) -> Result<Plan> {
        let part = |(name, bytes): &(String, Vec<u8>)| {
            let length = Part::header_bytes(name, bytes)?;
            Part::read(name, &bytes[..length.min(bytes.len())], bytes.len() as u64)
        };
        let parts = self.files.iter().map(part).collect::<Result<Vec<_>>>()?;
        Plan::new(read_config(&self.config)?, &parts, precision)
    }

    /// Converts in pieces of `chunk` bytes, after `written`, what an earlier run had written.
    fn convert(&self, precision: Precision, chunk: usize, written: &[u8]) -> Result<Pack> {
        let mut converter = Converter::new(self.plan(precision)?, written.len() as u64);
        let mut out = written[..usize::try_from(converter.kept()).unwrap()].to_vec();
        converter.rehash(&out);
        while let Some(piece) = converter.wants() {
            let (_, bytes) = self.files.iter().find(|(name, _)| *name == piece.file).unwrap();
            let range = usize::try_from(piece.start).unwrap()..usize::try_from(piece.end).unwrap();
            for bytes in bytes[range].chunks(chunk) {
                out.extend(converter.push(bytes)?);
            }
        }
        assert_eq!(converter.read_bytes(), converter.plan().source_bytes());
        assert_eq!(out.len() as u64, converter.plan().pack_bytes());
        let clip = converter.plan().config.clone();
        let words = || "test".to_owned();
        let files = vec![converter.finish()?];
        Ok((
            Manifest {
                format: FORMAT,
                id: words(),
                name: words(),
                licence: words(),
                source: words(),
                clip,
                files,
                tokenizer: None,
            },
            out,
        ))
    }

    /// The same with the first file's header and tensors changed.
    fn with(&self, change: impl FnOnce(&mut Value, &mut Vec<u8>)) -> Self {
        let mut changed = self.clone();
        let bytes = &mut changed.files[0].1;
        let length = usize::try_from(u64::from_le_bytes(*bytes.first_chunk().unwrap())).unwrap();
        let mut header: Value = serde_json::from_slice(&bytes[8..8 + length]).unwrap();
        let mut data = bytes.split_off(8 + length);
        change(&mut header, &mut data);
        let json = header.to_string().into_bytes();
        *bytes = (json.len() as u64).to_le_bytes().into_iter().chain(json).chain(data).collect();
        changed
    }

    fn refusal(&self) -> Error {
        self.convert(Precision::Half, 4_096, &[]).unwrap_err()
    }
}

fn open((manifest, bytes): Pack) -> Clip {
    let manifest = Manifest::parse(&manifest.to_json().unwrap()).unwrap();
    let mut reader = PackReader::new(manifest, Device::cpu()).unwrap();
    bytes.chunks(999).try_for_each(|chunk| reader.push(chunk)).unwrap();
    reader.finish().unwrap().1
}

/// The embeddings that a pack gives for the golden pixels.
fn embeddings(pack: Pack, golden: &Golden) -> Vec<f32> {
    let clip = open(pack);
    block_on(clip.vision.forward(golden.floats("pixels"), &mut ())).unwrap().embedding
}

fn least_cosine(got: &[f32], expected: &[f32]) -> f64 {
    let cosines = got.chunks(24).zip(expected.chunks(24)).map(|(got, expected)| common::cosine(got, expected));
    cosines.fold(1.0, f64::min)
}

#[test]
fn the_pack_computes_what_transformers_computes() {
    let bytes = std::fs::read(golden().join("goldens.safetensors")).unwrap();
    let golden = Golden::read(&bytes);
    // bfloat16 has fewer digits than float16, so nothing is lost but what float32 loses in summing.
    let got = embeddings(in_parts().convert(Precision::Half, 1_000, &[]).unwrap(), &golden);
    assert_close("bfloat16 in parts", &got, &golden.floats("bfloat16.image_embeds"), TOLERANCE);
    // float32 → float16 rounds each weight by 2⁻¹¹ of itself at most; embeddings are about 1.
    let got = embeddings(whole().convert(Precision::Half, 1_000, &[]).unwrap(), &golden);
    assert_close("float16", &got, &golden.floats("image_embeds"), 5e-3);
    assert!(least_cosine(&got, &golden.floats("image_embeds")) >= COSINE);
    // int8 is half a step of 1/127 of each row's largest: random weights have no better cosine.
    let got = embeddings(whole().convert(Precision::Int8, 1_000, &[]).unwrap(), &golden);
    let cosine = least_cosine(&got, &golden.floats("image_embeds"));
    assert!((0.999..0.999_999).contains(&cosine), "{cosine}");
}

#[test]
fn its_own_tokenizer_splits_its_captions() {
    let json = std::fs::read(golden().join("tokenizer.json")).unwrap();
    let captions: Vec<Value> = serde_json::from_slice(&std::fs::read(golden().join("captions.json")).unwrap()).unwrap();
    let tower = open(whole().convert(Precision::Half, 1_000, &[]).unwrap()).text.unwrap();
    let tokenizer = Tokenizer::read(&json).unwrap();
    assert_eq!(own_tokenizer(&json, tokenizer.vocabulary(), tower.config()).unwrap().name, "tokenizer.json");
    let ids: Vec<Vec<u32>> = captions
        .iter()
        .map(|caption| tokenizer.encode(caption["text"].as_str().unwrap(), tower.config().context).unwrap())
        .collect();
    assert_eq!(json!(ids), captions.iter().map(|caption| caption["ids"].clone()).collect::<Value>());
    let got = block_on(tower.forward(&ids, &mut ())).unwrap();
    let bytes = std::fs::read(golden().join("goldens.safetensors")).unwrap();
    let expected = Golden::read(&bytes).floats("text_embeds");
    assert!(least_cosine(&got, &expected) >= COSINE); // in float16, as above
    // Another model's is refused.
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tokenizer.json");
    let default = std::fs::read(default).unwrap_or_else(|_| panic!("run `cargo xtask models` first"));
    let vocabulary = Tokenizer::read(&default).unwrap().vocabulary();
    let refused = own_tokenizer(&default, vocabulary, tower.config()).unwrap_err();
    assert_eq!(refused, Error::TokenizerMismatch { expected: 40, got: 49_408 });
}

#[test]
fn a_captions_feature_is_taken_at_the_end_token_that_the_configuration_names() {
    let tower = |end: u32| {
        let mut checkpoint = whole();
        let named = checkpoint.config.replace("\"eos_token_id\": 39", &format!("\"eos_token_id\": {end}"));
        assert!(named != checkpoint.config || end == 39);
        checkpoint.config = named;
        open(checkpoint.convert(Precision::Half, 1_000, &[]).unwrap()).text.unwrap()
    };
    let read = |tower: &safelight::clip::text::TextTower, ids: &[u32]| {
        block_on(tower.forward(&[ids.to_vec()], &mut ())).unwrap()
    };
    let (named, legacy) = (tower(20), tower(2));
    assert_eq!((named.config().end, legacy.config().end), (Some(20), None));
    // The first of its name, not the highest id, and nothing after it.
    let caption = read(&named, &[38, 39, 20]);
    assert_close("longer", &read(&named, &[38, 39, 20, 5, 20]), &caption, 1e-4);
    let at_highest = read(&legacy, &[38, 39]);
    assert_close("legacy", &read(&legacy, &[38, 39, 20]), &at_highest, 1e-4);
    assert!(least_cosine(&caption, &at_highest) < 0.99, "the two places give the same");
    assert_eq!(block_on(named.forward(&[vec![38, 39]], &mut ())).unwrap_err().code(), "tokenizer");
}

#[test]
fn int8_is_what_numpy_makes_of_it() {
    let bytes = std::fs::read(golden().join("goldens.safetensors")).unwrap();
    let expected = SafeTensors::deserialize(&bytes).unwrap();
    let (_, pack) = whole().convert(Precision::Int8, 777, &[]).unwrap();
    let pack = SafeTensors::deserialize(&pack).unwrap();
    for name in ["visual_projection.weight", "vision_model.embeddings.patch_embedding.weight"] {
        for name in [name.to_owned(), format!("{name}.scale")] {
            assert_eq!(
                pack.tensor(&name).unwrap().data(),
                expected.tensor(&format!("int8.{name}")).unwrap().data(),
                "{name}"
            );
        }
    }
    // Buffers of old transformers and the loss's temperature are left out.
    assert!(pack.names().iter().all(|name| !name.ends_with("position_ids") && *name != "logit_scale"));
}

#[test]
fn pieces_of_any_size_and_interruptions_anywhere_give_the_same_bytes() {
    for (checkpoint, precision) in
        [(whole(), Precision::Half), (whole(), Precision::Int8), (in_parts(), Precision::Int8)]
    {
        let (manifest, pack) = checkpoint.convert(precision, usize::MAX, &[]).unwrap();
        for chunk in [1, 7, 4_096, 99_991] {
            assert_eq!(checkpoint.convert(precision, chunk, &[]).unwrap().1, pack, "in pieces of {chunk}");
        }
        for written in (0..pack.len()).step_by(1_009).chain([pack.len() - 1, pack.len()]) {
            let (again, bytes) = checkpoint.convert(precision, 4_096, &pack[..written]).unwrap();
            assert!(bytes == pack && again == manifest, "interrupted after {written} bytes");
        }
    }
}

#[test]
fn little_is_read_again_after_an_interruption() {
    let (_, pack) = whole().convert(Precision::Half, 4_096, &[]).unwrap();
    let converter = Converter::new(whole().plan(Precision::Half).unwrap(), pack.len() as u64 - 1);
    // At most the last tensor.
    assert!(converter.plan().source_bytes() - converter.read_bytes() < 10_000, "{}", converter.read_bytes());
}

#[test]
fn a_checkpoint_that_does_not_fit_is_refused_by_the_tensors_name() {
    const NAME: &str = "visual_projection.weight";
    let refused = |change: fn(&mut Value, &mut Vec<u8>), code: &str, word: &str| {
        let error = whole().with(change).refusal();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(word), "{error}");
    };
    refused(|header, _| header[NAME]["shape"] = json!([48, 24]), "tensor-shape", NAME);
    refused(|header, _| header[NAME]["dtype"] = json!("I32"), "tensor-type", NAME);
    refused(|header, _| header[NAME]["data_offsets"] = json!([0, 8]), "weights-header", "the offsets of ");
    refused(|_, data| data.truncate(100_000), "weights-header", "it ends within the tensor ");
    refused(|_, data| data.push(0), "weights-header", "1 bytes follow the last tensor");
    refused(
        |header, _| {
            let tensor = header.as_object_mut().unwrap().remove(NAME).unwrap();
            header["surprise"] = tensor;
        },
        "tensor-unexpected",
        "surprise",
    );
    // Without the file's last tensor.
    let mut last = String::new();
    let without = whole().with(|header, data| {
        let tensors = header.as_object_mut().unwrap();
        let start = |tensor: &Value| tensor["data_offsets"][0].as_u64();
        last = tensors.iter().max_by_key(|(_, tensor)| start(tensor)).unwrap().0.clone();
        let removed = tensors.remove(&last).unwrap();
        data.truncate(usize::try_from(start(&removed).unwrap()).unwrap());
    });
    assert_eq!(without.refusal(), Error::TensorMissing { name: last });
    for (value, words) in [(f32::NAN, "not a finite number"), (1e6, "half precision")] {
        let error = whole().with(|header, data| {
            let at = usize::try_from(header[NAME]["data_offsets"][0].as_u64().unwrap()).unwrap() + 8;
            data[at..at + 4].copy_from_slice(&value.to_le_bytes());
        });
        let error = error.refusal();
        assert_eq!(error.code(), "not-finite");
        assert!(error.to_string().contains(NAME) && error.to_string().contains(words), "{error}");
    }
}

#[test]
fn a_header_that_cannot_be_is_refused() {
    for length in [0_u64, 1 << 40, u64::MAX] {
        let mut checkpoint = whole();
        checkpoint.files[0].1[..8].copy_from_slice(&length.to_le_bytes());
        assert_eq!(checkpoint.refusal().code(), "weights-header");
    }
    for bytes in [Vec::new(), vec![1, 2, 3], whole().files[0].1[..100].to_vec()] {
        let mut checkpoint = whole();
        checkpoint.files[0].1 = bytes;
        assert_eq!(checkpoint.refusal().code(), "weights-header");
    }
}

#[test]
fn bytes_that_are_too_few_or_too_many_are_told() {
    let checkpoint = whole();
    let mut converter = Converter::new(checkpoint.plan(Precision::Half).unwrap(), 0);
    let piece = converter.wants().unwrap();
    let bytes = &checkpoint.files[0].1[usize::try_from(piece.start).unwrap()..];
    converter.push(bytes).unwrap();
    assert_eq!(converter.push(&[0]).unwrap_err().code(), "weights-header");
    let mut converter = Converter::new(checkpoint.plan(Precision::Half).unwrap(), 0);
    converter.push(&bytes[..bytes.len() - 1]).unwrap();
    assert!(converter.finish().unwrap_err().to_string().contains("it ends within the tensor"));
}
