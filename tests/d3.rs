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
    features_of(&[&golden("d3/0.parquet"), &golden("d3/1.parquet")], &golden("d3/real"), out, more)
}

fn features_of(files: &[&str], real: &str, out: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(["features", "--device", "cpu", "--views", "whole", "--treatments", "as-given"]);
    command.args(["--pack", &golden("tiny"), "--real", real, "--out"]).arg(out);
    command.args(more).arg("--d3").args(files).output().unwrap()
}

fn succeeded(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// The files of features in a folder.
fn parts(folder: &Path) -> Vec<PathBuf> {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "safetensors")).collect();
    paths.sort();
    paths
}

/// What the files of features in a folder say of their pictures.
fn pictures(folder: &Path) -> Vec<Value> {
    let of = |path: PathBuf| {
        let bytes = std::fs::read(path).unwrap();
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let contents = &metadata.metadata().as_ref().unwrap()["safelight-features"];
        let contents: Value = serde_json::from_str(contents).unwrap();
        contents["pictures"].as_array().unwrap().clone()
    };
    parts(folder).into_iter().flat_map(of).collect()
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
    // Again: everything is known, and no part is added or written anew.
    let changed = |path: &PathBuf| std::fs::metadata(path).unwrap().modified().unwrap();
    let before: Vec<_> = parts(&out).iter().map(changed).collect();
    let said = succeeded(&features(&out, &[]));
    assert!(said.contains("25 pictures in") && said.contains("0 of them new"), "{said}");
    assert_eq!(parts(&out).iter().map(changed).collect::<Vec<_>>(), before);
    // What would mix captions of different columns, or features of different kinds, is refused.
    for (more, words) in [(["--captions", "authors"], "--captions"), (["--treatments", "web"], "under the treatments")]
    {
        let output = features(&out, &more);
        assert_eq!(output.status.code(), Some(2));
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn an_interrupted_command_goes_on_where_it_was() {
    let folder = fresh_folder("d3-interrupted");
    let file = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    for name in ["0.parquet", "1.parquet"] {
        std::fs::copy(golden(&format!("d3/{name}")), file(name)).unwrap();
    }
    let whole = std::fs::read(file("1.parquet")).unwrap();
    let mut damaged = whole.clone();
    damaged[4..100].fill(0xff); // the first page; the list of row groups is at the end
    std::fs::write(file("1.parquet"), damaged).unwrap();
    let out = folder.join("out");
    let files = [file("0.parquet"), file("1.parquet")];
    let go = || features_of(&[&files[0], &files[1]], &golden("d3/real"), &out, &["--records", "2"]);
    let output = go();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("1.parquet"), "{output:?}");
    let kept = parts(&out);
    assert_eq!((kept.len(), pictures(&out).len()), (2, 20));
    let changed = |path: &PathBuf| std::fs::metadata(path).unwrap().modified().unwrap();
    let before: Vec<_> = kept.iter().map(changed).collect();

    std::fs::write(file("1.parquet"), whole).unwrap();
    let said = succeeded(&go());
    assert!(said.contains("25 pictures in") && said.contains("5 of them new"), "{said}");
    assert_eq!(kept.iter().map(changed).collect::<Vec<_>>(), before);
    let all = folder.join("all");
    succeeded(&features(&all, &[]));
    assert_eq!(pictures(&out), pictures(&all));
}

#[test]
fn a_record_whose_real_picture_cannot_be_read_is_left_out_whole() {
    let folder = fresh_folder("d3-unreadable");
    let real = folder.join("real");
    std::fs::create_dir_all(&real).unwrap();
    for id in [0, 1, 2, 3, 5] {
        std::fs::copy(golden(&format!("d3/real/d3-{id}.jpg")), real.join(format!("d3-{id}.jpg"))).unwrap();
    }
    std::fs::write(real.join("d3-0.jpg"), b"").unwrap();
    std::fs::write(real.join("d3-3.jpg"), b"<html>404</html>").unwrap();
    let out = folder.join("out");
    let files = [golden("d3/0.parquet"), golden("d3/1.parquet")];
    let said = succeeded(&features_of(&[&files[0], &files[1]], real.to_str().unwrap(), &out, &[]));
    assert!(said.contains("left out 2 records whose real picture in"), "{said}");
    assert!(said.contains("skipped d3-0/real") && said.contains("skipped d3-3/real"), "{said}");
    let names = names(&pictures(&out));
    assert_eq!(names.len(), 3 * 5);
    assert!(names.iter().all(|name| !name.starts_with("d3-0/") && !name.starts_with("d3-3/")), "{names:?}");
}

#[test]
fn a_record_without_a_usable_id_stops_nothing() {
    let folder = fresh_folder("d3-nameless");
    let mut bytes = std::fs::read(golden("d3/1.parquet")).unwrap();
    for at in 0..bytes.len() - 4 {
        if &bytes[at..at + 4] == b"d3-5" {
            bytes[at..at + 4].copy_from_slice(b"../5"); // wherever the file says it
        }
    }
    let nameless = folder.join("1.parquet");
    std::fs::write(&nameless, bytes).unwrap();
    let out = folder.join("out");
    let files = [nameless.to_str().unwrap().to_owned(), golden("d3/0.parquet")];
    let said = succeeded(&features_of(&[&files[0], &files[1]], &golden("d3/real"), &out, &[]));
    assert!(said.contains("left out 1 records whose id cannot be a file's name"), "{said}");
    assert_eq!(pictures(&out).len(), 4 * 5);
}

#[test]
fn shards_are_the_whole_and_share_nothing_but_the_folder() {
    let folder = fresh_folder("d3-shards");
    let out = folder.join("shards");
    for k in 1..=3 {
        succeeded(&features(&out, &["--shard", &format!("{k}/3")]));
    }
    assert_eq!(parts(&out).len(), 2); // the one record of the third shard has no real picture
    let mut together = names(&pictures(&out));
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
