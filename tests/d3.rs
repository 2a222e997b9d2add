//! `safelight features --d3` on small files of D3's layout (`tests/reference_d3.py` made them).
#![cfg(all(not(target_arch = "wasm32"), feature = "native"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use safetensors::SafeTensors;
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

fn fresh_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder); // of the run before
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn golden(name: &str) -> String {
    Path::new(ROOT).join("tests/golden").join(name).to_str().unwrap().to_owned()
}

fn features(out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(["features", "--device", "cpu", "--views", "whole", "--treatments", "as-given"]);
    command.args(["--pack", &golden("tiny"), "--real", &golden("d3/real"), "--out"]).arg(out);
    command.args(more).args(["--d3", &golden("d3/0.parquet"), &golden("d3/1.parquet")]);
    command.output().unwrap()
}

fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// What a file of features says of its pictures.
fn pictures(path: &Path) -> Vec<Value> {
    let bytes = std::fs::read(path).unwrap();
    let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
    let contents: Value = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["safelight-features"]).unwrap();
    contents["pictures"].as_array().unwrap().clone()
}

fn names(pictures: &[Value]) -> Vec<String> {
    pictures.iter().map(|picture| picture["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_whole_record_gives_five_pictures_and_its_caption() {
    let out = fresh_folder("d3").join("all");
    let said = succeeded(&features(&out, &[]));
    assert!(said.contains("left out 1 records whose real picture is not in"), "{said}");
    let all = pictures(&out);
    assert_eq!(all.len(), 5 * 5);
    let kinds = ["real", "image_gen0", "image_gen1", "image_gen2", "image_gen3"];
    let of = |id: usize| kinds.map(|kind| format!("d3-{id}/{kind}"));
    assert_eq!(names(&all), [0, 1, 2, 3, 5].map(of).concat());
    for (index, picture) in all.iter().enumerate() {
        let real = index % 5 == 0;
        assert_eq!(picture["generated"], !real);
        assert_eq!(picture["source"], kinds[index % 5]);
        let id = [0, 1, 2, 3, 5][index / 5];
        assert_eq!(picture["caption"], format!("a photo of thing {id}"));
    }
    // Again: everything is known, and the file is the same.
    let before = std::fs::read(&out).unwrap();
    succeeded(&features(&out, &[]));
    assert!(std::fs::read(&out).unwrap() == before);
}

#[test]
fn shards_are_the_whole_and_share_nothing() {
    let folder = fresh_folder("d3-shards");
    let mut together = Vec::new();
    for k in 1..=3 {
        let out = folder.join(k.to_string());
        succeeded(&features(&out, &["--shard", &format!("{k}/3")]));
        together.extend(names(&pictures(&out)));
    }
    together.sort();
    let all = folder.join("all");
    succeeded(&features(&all, &[]));
    let mut all = names(&pictures(&all));
    all.sort();
    assert_eq!(together, all);
}

#[test]
fn captions_come_from_the_same_column_unless_it_is_asked_for_otherwise() {
    let folder = fresh_folder("d3-captions");
    let captions = |which: &str| {
        let out = folder.join(which);
        let said = succeeded(&features(&out, &["--captions", which]));
        let of = |picture: &Value| picture["caption"].as_str().map(str::to_owned);
        (pictures(&out).iter().take(2).map(of).collect::<Vec<_>>(), said)
    };
    let (original, positive) = (Some("a photo of thing 0".to_owned()), Some("thing 0, high quality".to_owned()));
    assert_eq!(captions("positive").0, [positive.clone(), positive.clone()]);
    assert_eq!(captions("none").0, [None, None]);
    let (authors, said) = captions("authors");
    assert_eq!(authors, [original, positive]);
    assert!(said.contains("captions alone tell the classes apart"), "{said}");
}

#[test]
fn a_file_that_is_not_of_d3_is_named() {
    let folder = fresh_folder("d3-broken");
    let broken = folder.join("broken.parquet");
    std::fs::write(&broken, b"PAR1 and then nothing").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(["features", "--real", &golden("d3/real"), "--out", "out", "--d3"]).arg(&broken);
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("broken.parquet"), "{output:?}");
}
