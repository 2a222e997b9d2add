//! `safelight models` from end to end: a tiny checkpoint (`tests/reference_checkpoint.py` made it) from a file,
//! in parts, and from a server that answers like the hub.
#![cfg(all(not(target_arch = "wasm32"), feature = "native"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

#[path = "common/hub.rs"]
mod hub;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/checkpoint")
}

fn fresh_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder); // of the run before
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn models(packs: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.arg("models").args(arguments).arg("--packs").arg(packs).env_remove("HF_ENDPOINT").output().unwrap()
}

fn succeeded(output: &Output) -> String {
    let said = [&output.stdout[..], &output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn manifest(pack: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(pack.join("pack.json")).unwrap()).unwrap()
}

/// Names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_folder_a_file_and_parts_become_packs_that_embed_pictures() {
    let packs = fresh_folder("models");
    let (folder, file) = (golden(), golden().join("model.safetensors"));
    let parts = golden().join("parts");
    succeeded(&models(&packs, &["add", folder.to_str().unwrap()]));
    succeeded(&models(&packs, &["add", file.to_str().unwrap(), "--int8", "--licence", "MIT"]));
    succeeded(&models(&packs, &["add", parts.to_str().unwrap(), "--name", "In-Parts"]));
    assert_eq!(names(&packs), ["checkpoint", "checkpoint-int8", "in-parts"]);
    assert_eq!(names(&packs.join("checkpoint")), ["model.safetensors", "pack.json", "tokenizer.json"]);
    assert_eq!(names(&packs.join("in-parts")), ["model.safetensors", "pack.json"]); // it brought none
    let (half, int8) = (manifest(&packs.join("checkpoint")), manifest(&packs.join("checkpoint-int8")));
    assert_eq!((half["licence"].as_str(), int8["licence"].as_str()), (Some("unknown"), Some("MIT")));
    assert_eq!(half["clip"]["text"]["context"], 9);
    assert!(half["files"][0]["bytes"].as_u64() > int8["files"][0]["bytes"].as_u64());

    let said = succeeded(&models(&packs, &["list"]));
    assert!(
        said.contains("checkpoint-int8\n    checkpoint-int8: image and text tower with its own tokenizer"),
        "{said}"
    );
    let again = refused(&models(&packs, &["add", folder.to_str().unwrap()]));
    assert!(again.contains("a model called checkpoint is there already"), "{again}");
    succeeded(&models(&packs, &["remove", "checkpoint"]));
    assert_eq!(names(&packs), ["checkpoint-int8", "in-parts"]);
    assert!(refused(&models(&packs, &["remove", "../models"])).contains("cannot name a model"));

    // The pack is one like any other: pictures are embedded with it.
    let pictures = packs.join("pictures/real");
    std::fs::create_dir_all(&pictures).unwrap();
    image::RgbImage::from_fn(40, 40, |x, y| image::Rgb([x as u8, y as u8, 9])).save(pictures.join("a.png")).unwrap();
    let out = packs.join("out");
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(["features", "--device", "cpu", "--pack"]).arg(packs.join("in-parts"));
    let said = succeeded(&command.arg("--out").arg(out).arg(packs.join("pictures")).output().unwrap());
    assert!(said.contains("1 pictures in"), "{said}");
}

/// `features` of one picture with a caption.
fn features_with_caption(packs: &Path, pack: &str) -> Output {
    let pictures = packs.join("captioned/real");
    std::fs::create_dir_all(&pictures).unwrap();
    image::RgbImage::new(40, 40).save(pictures.join("a.png")).unwrap();
    std::fs::write(pictures.join("a.txt"), "a red hill").unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(["features", "--device", "cpu", "--pack"]).arg(packs.join(pack)).arg("--out");
    command.arg(packs.join(format!("{pack}.features"))).arg(packs.join("captioned")).output().unwrap()
}

#[test]
fn a_checkpoints_own_tokenizer_goes_with_its_pack() {
    let packs = fresh_folder("models-tokenizer");
    let said = succeeded(&models(&packs, &["add", golden().to_str().unwrap()]));
    assert!(said.contains("split by its own tokenizer") && said.contains("was not checked"), "{said}");
    succeeded(&features_with_caption(&packs, "checkpoint"));
    let said = succeeded(&models(&packs, &["add", golden().join("parts").to_str().unwrap()]));
    assert!(said.contains("split by CLIP's tokenizer"), "{said}");
    let sentence = "The tokenizer knows 49408 tokens and the model's text tower 40: they do not belong together.";
    let said = refused(&features_with_caption(&packs, "parts"));
    assert!(said.contains(sentence), "{said}");
    // Damaged on the disk.
    let path = packs.join("checkpoint/tokenizer.json");
    let json = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, json.replace("hill", "hall")).unwrap();
    let said = refused(&features_with_caption(&packs, "checkpoint"));
    assert!(said.contains("tokenizer.json") && said.contains("is not the one that was published"), "{said}");
    // One of another model, or none at all, is refused with the checkpoint.
    let source = fresh_folder("models-tokenizer-source");
    for name in ["config.json", "model.safetensors"] {
        std::fs::copy(golden().join(name), source.join(name)).unwrap();
    }
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/tokenizer.json");
    std::fs::copy(default, source.join("tokenizer.json")).unwrap();
    assert!(refused(&models(&packs, &["add", source.to_str().unwrap()])).contains(sentence));
    std::fs::write(source.join("tokenizer.json"), "{}").unwrap();
    refused(&models(&packs, &["add", source.to_str().unwrap()]));
    assert_eq!(names(&packs), ["captioned", "checkpoint", "checkpoint.features", "parts"]);
}

#[test]
fn a_hub_is_read_in_parts_at_one_commit_and_checked_by_its_hash() {
    let packs = fresh_folder("models-hub");
    let (address, state) = hub::serve(&golden());
    let said = succeeded(&models(&packs, &["add", "maker/tiny", "--hub", &address]));
    assert!(said.contains("have the SHA-256 that was given for them"), "{said}");
    let manifest = manifest(&packs.join("tiny"));
    assert!(
        manifest["source"].as_str().unwrap().contains(&format!("maker/tiny, revision {}", hub::COMMIT)),
        "{manifest}"
    );
    let log = state.log.lock().unwrap().clone();
    assert_eq!(log[0], "GET /maker/tiny/resolve/main/config.json -");
    assert!(log[1..].iter().all(|line| line.contains(hub::COMMIT) || line.contains("/storage/")), "{log:?}");
    // The same bytes as from the file.
    succeeded(&models(&packs, &["add", golden().to_str().unwrap()]));
    let hash = |name: &str| self::manifest(&packs.join(name))["files"][0]["sha256"].clone();
    assert_eq!(hash("tiny"), hash("checkpoint"));
    let said = refused(&models(&packs, &["add", "maker/none", "--hub", &address]));
    assert!(said.contains("config.json"), "{said}");
    let said = refused(&models(&packs, &["add", "maker/tiny", "--name", "x", "--hub", "http://127.0.0.1:9"]));
    assert!(said.contains("could not be fetched"), "{said}");
}

#[test]
fn a_connection_that_breaks_is_taken_up_again_and_so_is_a_command() {
    let packs = fresh_folder("models-broken");
    let (address, state) = hub::serve(&golden());
    // Once: the command itself goes on.
    *state.cuts.lock().unwrap() = vec![100_000];
    succeeded(&models(&packs, &["add", "maker/tiny", "--hub", &address, "--name", "once"]));
    // Then nothing comes any more: the command gives up, and the next one goes on.
    *state.cuts.lock().unwrap() = vec![0, 0, 0, 0, 150_000];
    let said = refused(&models(&packs, &["add", "maker/tiny", "--hub", &address, "--name", "often"]));
    assert!(said.contains("the same command goes on from there"), "{said}");
    assert_eq!(names(&packs), [".adding-often", "once"]);
    assert!(succeeded(&models(&packs, &["list"])).contains("often\n    not finished"));
    let said = succeeded(&models(&packs, &["add", "maker/tiny", "--hub", &address, "--name", "often"]));
    assert!(said.contains("going on where it was interrupted"), "{said}");
    assert_eq!(names(&packs), ["often", "once"]);
    let hash = |name: &str| manifest(&packs.join(name))["files"][0]["sha256"].clone();
    assert_eq!(hash("often"), hash("once"));
}

#[test]
fn an_interrupted_command_goes_on_where_its_journal_says() {
    let packs = fresh_folder("models-killed");
    let folder = golden();
    succeeded(&models(&packs, &["add", folder.to_str().unwrap(), "--name", "whole"]));
    let whole = std::fs::read(packs.join("whole/model.safetensors")).unwrap();
    // What a killed command leaves: the beginning of the file, torn at its end, and a journal.
    let torn = packs.join(".adding-torn");
    std::fs::create_dir_all(&torn).unwrap();
    let mut begun = whole[..150_000].to_vec();
    begun.extend([0xaa; 5_000]);
    std::fs::write(torn.join("model.safetensors"), begun).unwrap();
    let path = folder.join("model.safetensors");
    let found = std::fs::metadata(&path).unwrap();
    let config = std::fs::read_to_string(folder.join("config.json")).unwrap();
    let file = serde_json::json!({ "name": "model.safetensors", "bytes": found.len(), "tag": format!("{:?}", found.modified().unwrap()) });
    let origin = serde_json::json!({ "int8": false, "config": config, "files": [file] });
    let journal = serde_json::json!({ "origin": origin, "written": 150_000 });
    std::fs::write(torn.join("journal.json"), journal.to_string()).unwrap();
    let said = succeeded(&models(&packs, &["add", folder.to_str().unwrap(), "--name", "torn"]));
    assert!(said.contains("going on where it was interrupted"), "{said}");
    assert!(std::fs::read(packs.join("torn/model.safetensors")).unwrap() == whole);
}

#[test]
fn what_cannot_be_used_leaves_nothing_behind() {
    let packs = fresh_folder("models-bad");
    let source = fresh_folder("models-bad-source");
    std::fs::copy(golden().join("config.json"), source.join("config.json")).unwrap();
    let mut bytes = std::fs::read(golden().join("model.safetensors")).unwrap();
    let end = bytes.len();
    bytes[end - 4..].copy_from_slice(&f32::NAN.to_le_bytes());
    std::fs::write(source.join("model.safetensors"), &bytes).unwrap();
    let path = source.to_str().unwrap();
    let said = refused(&models(&packs, &["add", path]));
    assert!(said.contains("The tensor ") && said.contains("not a finite number"), "{said}");
    bytes.truncate(end - 4);
    std::fs::write(source.join("model.safetensors"), &bytes).unwrap();
    assert!(refused(&models(&packs, &["add", path])).contains("it ends within the tensor "));
    let whole = golden();
    let said = refused(&models(&packs, &["add", whole.to_str().unwrap(), "--sha256", &"0".repeat(64)]));
    assert!(said.contains("is not the one that was published"), "{said}");
    let parts = whole.join("parts");
    let said = refused(&models(&packs, &["add", parts.to_str().unwrap(), "--sha256", &"0".repeat(64)]));
    assert!(said.contains("--sha256 names one file"), "{said}");
    for bad in ["0".repeat(63), "g".repeat(64)] {
        let said = refused(&models(&packs, &["add", whole.to_str().unwrap(), "--sha256", &bad]));
        assert!(said.contains("64 hexadecimal digits"), "{said}");
    }
    assert_eq!(names(&packs), [] as [&str; 0]);
    assert!(refused(&models(&packs, &["add", "no-such-thing"])).contains("neither a file or folder here nor an id"));
}
