//! `safelight train`, `eval`, `features`, `ablate` and `curve` from end to end: generated pictures, the tiny
//! random model, a head that tells stripes from dots.
#![cfg(all(not(target_arch = "wasm32"), feature = "native"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// Pictures of a source.
const EACH: u32 = 12;

fn fresh_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder); // of the run before
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Two sources of real pictures (dots) and two of generated ones (stripes), some of one size, some not.
fn write_pictures(folder: &Path) {
    for (at, source) in ["real/attic", "real/beach", "fake/glide", "fake/hydra"].into_iter().enumerate() {
        std::fs::create_dir_all(folder.join(source)).unwrap();
        for index in 0..EACH {
            let (width, height) = (72 + index % 5, 66 + index % 3);
            let picture = image::RgbImage::from_fn(width, height, |x, y| {
                let shade = (index * 9 + at as u32 * 5) as u8;
                let on = if at < 2 { (x / 4 + index) % 3 == 0 && (y / 4) % 3 == 0 } else { (x + index) / 6 % 2 == 0 };
                let light = light((at as u32 * EACH + index) * 4096 + x / 8 * 64 + y / 8);
                let (bright, dark) =
                    ([230 - light, 220 - light, 200 - shade - light], [20 + shade + light, 40 + light, 60]);
                image::Rgb(if on { bright } else { dark })
            });
            picture.save(folder.join(format!("{source}/{index}.png"))).unwrap();
        }
    }
}

/// The light on a patch of a picture, 0…42: without it most pictures would be duplicates of each other to the eye.
fn light(patch: u32) -> u8 {
    let mixed = patch.wrapping_mul(2_654_435_761);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(2_246_822_519);
    (mixed >> 24) as u8 / 6
}

fn safelight(arguments: &[&str], model: bool) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
    command.args(arguments);
    if model {
        let pack = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/tiny");
        command.args(["--device", "cpu", "--pack"]).arg(pack);
    }
    command.output().unwrap()
}

fn succeeded(output: &Output) -> (String, String) {
    let (out, err) = (&output.stdout, &output.stderr);
    let (out, err) = (String::from_utf8_lossy(out).into_owned(), String::from_utf8_lossy(err).into_owned());
    assert!(output.status.success(), "{out}\n{err}");
    (out, err)
}

#[test]
fn a_folder_becomes_a_head_and_the_head_is_judged() {
    let folder = fresh_folder("train");
    let pictures = folder.join("pictures");
    write_pictures(&pictures);
    std::fs::write(pictures.join("real/attic/broken.png"), b"\x89PNG\r\n\x1a\n and then nothing").unwrap();
    std::fs::create_dir_all(pictures.join("holiday")).unwrap();
    std::fs::copy(pictures.join("real/attic/0.png"), pictures.join("holiday/x.png")).unwrap();
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (pictures, head, cache, report) = (path("pictures"), path("head"), path("cache"), path("report.json"));

    let train = ["train", &pictures, "--out", &head, "--cache", &cache, "--report", &report, "--width", "16"];
    let recipe = ["--epochs", "12", "--batch", "32", "--name", "Stripes", "--date", "2026-11-24"];
    let (out, err) = succeeded(&safelight(&[&train[..], &recipe].concat(), true));
    assert!(out.contains("48 pictures: 24 generated, 24 real."), "{out}");
    assert!(err.contains("skipped real/attic/broken.png"), "{err}");
    assert!(err.contains("left out 1 pictures in “holiday”"), "{err}");
    let report: Value = serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap();
    assert_eq!((report["folds"].as_u64(), report["grouped"].as_bool()), (Some(2), Some(true)));
    assert_eq!(report["tiers"].as_array().unwrap().len(), 3);
    assert!(report["tiers"][0]["auc"]["value"].as_f64().unwrap() > 0.9, "{report}");
    assert_eq!(report["tiers"][0]["tprAt1"], Value::Null);
    assert!(report["tiers"][0]["reason"].as_str().unwrap().contains("at least 100 real pictures"));

    let (out, err) = succeeded(&safelight(&["eval", &pictures, "--head", &head, "--json"], true));
    assert!(err.contains("48 of these 48 pictures are of sources that this head learnt from"), "{err}");
    let judged: Value = serde_json::from_str(&out).unwrap();
    let tiers = judged["tiers"].as_object().unwrap();
    assert_eq!(tiers.keys().collect::<Vec<_>>(), ["as_given", "hard", "web"]);
    for tier in tiers.values() {
        let fields: Vec<&String> = tier.as_object().unwrap().keys().collect();
        assert_eq!(fields, ["auc", "auc_ci", "fpr_at_threshold", "n", "sources", "verdicts"]);
        assert_eq!(tier["n"], 48);
        assert!(tier["auc"].as_f64().unwrap() > 0.95, "{judged}");
        assert_eq!(tier["auc_ci"].as_array().unwrap().len(), 2);
        assert_eq!(tier["sources"].as_object().unwrap().len(), 4);
        assert_eq!(tier["sources"]["attic"]["n"], u64::from(EACH));
    }

    // The features that were kept say the same as the folder, without a model.
    let (again, _) = succeeded(&safelight(&["eval", &cache, "--head", &head, "--json"], false));
    let again: Value = serde_json::from_str(&again).unwrap();
    for (name, tier) in tiers {
        assert!((again["tiers"][name]["auc"].as_f64().unwrap() - tier["auc"].as_f64().unwrap()).abs() < 1e-3);
    }
    let (table, _) = succeeded(&safelight(&["eval", &cache, "--head", &head], false));
    assert!(table.lines().next().unwrap().starts_with("tier") && table.contains("hydra"), "{table}");
    assert!(table.contains("found: called that"), "{table}");
    let verdicts = &tiers["as_given"]["verdicts"]["generated"];
    let counts = ["generated", "unsure", "real"].map(|verdict| verdicts[verdict].as_u64().unwrap());
    assert_eq!(counts.iter().sum::<u64>(), 24, "{judged}");
    let unmeasured = safelight(&["eval", &cache, "--head", &head, "--false-positives", "0.07"], false);
    assert_eq!(unmeasured.status.code(), Some(2), "{unmeasured:?}");

    let ablate = ["ablate", &cache, "--seeds", "1", "--epochs", "2", "--width", "8", "--json"];
    // Parts that are left out have no row.
    for (rows, tokens) in [(8, &[][..]), (7, &["--blocks", "0,2"]), (7, &["--patch-means", "1"]), (6, &["--no-blocks"])]
    {
        let (out, _) = succeeded(&safelight(&[&ablate[..], tokens].concat(), false));
        let table: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(table["rows"].as_array().unwrap().len(), rows * 3, "{out}");
    }

    let curve = ["curve", &cache, "--head", &head, "--counts", "5,100", "--seeds", "2", "--epochs", "1", "--json"];
    let (out, _) = succeeded(&safelight(&curve, false));
    let curve: Value = serde_json::from_str(&out).unwrap();
    let points = curve["curves"][0]["points"].as_array().unwrap();
    assert_eq!(points.iter().map(|point| point["count"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 5]); // 24 a class
    assert_eq!(points[1]["tiers"].as_array().unwrap().len(), 3, "{out}");

    let picture = format!("{pictures}/real/attic/0.png");
    let checked = safelight(&["check", &picture, "--head", &head, "--json"], true);
    assert!(matches!(checked.status.code(), Some(0 | 1)), "{checked:?}");
    // 24 real pictures measure no limit at one false alarm in two hundred.
    let strict = safelight(&["check", &picture, "--head", &head, "--false-positives", "0.005"], true);
    assert_eq!(strict.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&strict.stderr).contains("At 0.5 % false positives this head was not measured"));
}

fn refused(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Names in a file of features.
fn names(path: &str) -> Vec<String> {
    let bytes = std::fs::read(path).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&bytes).unwrap();
    let contents = &metadata.metadata().as_ref().unwrap()["safelight-features"];
    let contents: Value = serde_json::from_str(contents).unwrap();
    let pictures = contents["pictures"].as_array().unwrap();
    pictures.iter().map(|picture| picture["name"].as_str().unwrap().to_owned()).collect()
}

/// Two folders with a source of each class, and one with all; their paths.
fn two_folders(folder: &Path) -> [String; 3] {
    write_pictures(&folder.join("all"));
    for (part, sources) in [("first", ["real/attic", "fake/glide"]), ("second", ["real/beach", "fake/hydra"])] {
        for source in sources {
            std::fs::create_dir_all(folder.join(part).join(source)).unwrap();
            for index in 0..EACH {
                let name = format!("{source}/{index}.png");
                std::fs::copy(folder.join("all").join(&name), folder.join(part).join(&name)).unwrap();
            }
        }
    }
    ["first", "second", "all"].map(|name| folder.join(name).to_str().unwrap().to_owned())
}

#[test]
fn a_file_of_features_keeps_what_it_has() {
    let folder = fresh_folder("kept");
    let [first, second, _] = two_folders(&folder);
    let cache = folder.join("cache").to_str().unwrap().to_owned();
    let features = |pictures: &str, more: &[&str]| {
        let arguments = ["features", pictures, "--out", &cache, "--treatments"];
        safelight(&[&arguments[..], if more.is_empty() { &["as-given"][..] } else { more }].concat(), true)
    };
    succeeded(&features(&first, &[]));
    let (_, err) = succeeded(&features(&second, &[]));
    assert!(err.contains("24 pictures in") && err.contains("24 pictures that it held before"), "{err}");
    assert_eq!(names(&cache).len(), 48);
    let (_, err) = succeeded(&features(&first, &[]));
    assert!(err.contains("24 of 24 pictures were known from"), "{err}");
    // What does not fit is refused, and the file is as it was.
    let before = std::fs::read(&cache).unwrap();
    for (more, words) in
        [(&["web"][..], "under the treatments as-given"), (&["as-given", "--views", "detail,whole"][..], "")]
    {
        let output = features(&second, more);
        if words.is_empty() {
            succeeded(&output); // views in another order are the same views
        } else {
            assert!(refused(&output).contains(words), "{output:?}");
        }
        assert!(std::fs::read(&cache).unwrap() == before);
    }
    // A head that looks at fewer views takes them from there; nothing is added.
    let one = folder.join("one").to_str().unwrap().to_owned();
    let arguments = ["features", &first, "--out", &one, "--cache", &cache, "--treatments", "as-given"];
    succeeded(&safelight(&[&arguments[..], &["--views", "whole"]].concat(), true));
    assert_eq!(names(&one).len(), 24);
    assert!(std::fs::read(&cache).unwrap() == before);
}

#[test]
fn files_of_features_are_taken_together() {
    let folder = fresh_folder("together");
    let [first, second, all] = two_folders(&folder);
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let features = |pictures: &str, out: &str, treatments: &str| {
        let out = path(out);
        succeeded(&safelight(&["features", pictures, "--out", &out, "--treatments", treatments], true));
        out
    };
    let (a, b) = (features(&first, "a", "as-given,web"), features(&second, "b", "as-given,web"));
    let (whole, other) = (features(&all, "whole", "as-given,web"), features(&second, "other", "as-given"));
    let (head, recipe) = (path("head"), ["--width", "16", "--epochs", "8", "--batch", "32"]);
    let train = |more: &[&str]| safelight(&[&["train"][..], more, &["--out", &head], &recipe].concat(), false);
    let (out, _) = succeeded(&train(&[&a, &b]));
    assert!(out.contains("48 pictures: 24 generated, 24 real."), "{out}");
    let areas = |inputs: &[&str]| {
        let (out, _) = succeeded(&safelight(&[&["eval"][..], inputs, &["--head", &head, "--json"]].concat(), false));
        let judged: Value = serde_json::from_str(&out).unwrap();
        ["as_given", "web"].map(|tier| judged["tiers"][tier]["auc"].as_f64().unwrap().to_bits())
    };
    assert_eq!(areas(&[&a, &b]), areas(&[&whole]));
    // What cannot be taken together, and what was not asked of the features, is told.
    assert!(refused(&train(&[&a, &other])).contains("they cannot be used together"));
    assert!(refused(&train(&[&first, &second])).contains("several inputs are taken together only where"));
    assert!(refused(&train(&[&whole, "--equalise", "2"])).contains("lack the treatment equalised-0"));
    assert!(refused(&train(&[&whole, "--augment", "1"])).contains("lack the treatment augmented-0"));
}

#[test]
fn pictures_that_are_not_unseen_are_refused_before_training() {
    let folder = fresh_folder("unseen");
    let [first, second, _] = two_folders(&folder);
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    // The first folder's pictures under other sources.
    for (source, renamed) in [("real/attic", "real/loft"), ("fake/glide", "fake/slide")] {
        std::fs::create_dir_all(folder.join("renamed").join(renamed)).unwrap();
        for index in 0..EACH {
            let place = folder.join("renamed").join(format!("{renamed}/{index}.png"));
            std::fs::copy(folder.join("first").join(format!("{source}/{index}.png")), place).unwrap();
        }
    }
    let features = |pictures: &str, out: &str| {
        let out = path(out);
        succeeded(&safelight(&["features", pictures, "--out", &out, "--treatments", "as-given"], true));
        out
    };
    let [a, b, renamed] =
        [(first, "a"), (second, "b"), (path("renamed"), "c")].map(|(pictures, out)| features(&pictures, out));
    let head = path("head");
    let train = |unseen: &str| {
        let recipe = ["--width", "16", "--epochs", "4", "--batch", "32", "--unseen-name", "others", "--unseen", unseen];
        safelight(&[&["train", &a, "--out", &head][..], &recipe].concat(), false)
    };
    for (unseen, words) in [(&a, "share a source with those that it learns from"), (&renamed, "is among those")] {
        let output = train(unseen);
        assert!(refused(&output).contains(words), "{output:?}");
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(!out.contains("false alarms"), "it was trained all the same: {out}"); // the table of tiers
    }
    assert!(succeeded(&train(&b)).0.contains("On others: AUC"));
}

#[test]
fn features_are_computed_once() {
    let folder = fresh_folder("features");
    let pictures = folder.join("pictures");
    write_pictures(&pictures);
    let (pictures, out) = (pictures.to_str().unwrap().to_owned(), folder.join("out").to_str().unwrap().to_owned());
    let arguments = ["features", &pictures, "--out", &out, "--treatments", "equalised-0,equalised-1"];
    let (_, err) = succeeded(&safelight(&arguments, true));
    assert!(err.contains("48 pictures in"), "{err}");
    let first = std::fs::read(&out).unwrap();
    succeeded(&safelight(&arguments, true));
    assert_eq!(std::fs::read(&out).unwrap(), first);
    // Files that are no features are named.
    let output = safelight(&["ablate", &format!("{pictures}/real/attic/0.png")], false);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("0.png"), "{output:?}");
}

/// Which views a file of features holds, `[n, treatments, views]`.
fn present(path: &str) -> Vec<u8> {
    let bytes = std::fs::read(path).unwrap();
    safetensors::SafeTensors::deserialize(&bytes).unwrap().tensor("present").unwrap().data().to_vec()
}

#[test]
fn details_come_from_the_originals_centres_and_sources_are_left_out() {
    let folder = fresh_folder("centres");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    write_pictures(&folder.join("pictures"));
    // The centres of one source are there; those of the others are not.
    std::fs::create_dir_all(folder.join("centres/real/attic")).unwrap();
    for index in 0..EACH {
        let name = format!("real/attic/{index}.png");
        let picture = image::open(folder.join("pictures").join(&name)).unwrap();
        picture.crop_imm(0, 0, 40, 40).save(folder.join("centres").join(&name)).unwrap();
    }
    let (pictures, centres, out, own) = (path("pictures"), path("centres"), path("out"), path("own"));
    let fewer = path("fewer");
    let features = ["features", &pictures, "--treatments", "as-given,web"];
    succeeded(&safelight(
        &[&features[..], &["--centres", &centres, "--without", "hydra", "--out", &out]].concat(),
        true,
    ));
    let (names, views) = (names(&out), present(&out));
    assert_eq!(names.len(), 3 * EACH as usize);
    assert!(names.iter().all(|name| !name.contains("hydra")));
    for (name, views) in names.iter().zip(views.chunks(4)) {
        // As given: whole, detail; web: the same of the reduced picture, which is large enough for the tiny model.
        assert_eq!(views, [1, u8::from(name.starts_with("real/attic")), 1, 1], "{name}");
    }

    // Features with and without such details are of two kinds.
    succeeded(&safelight(&[&features[..], &["--out", &own]].concat(), true));
    assert!(present(&own).iter().all(|&there| there == 1));
    let both = refused(&safelight(&["ablate", &out, &own], false));
    assert!(
        both.contains("with details of the pictures themselves, and not with details cut out of other files"),
        "{both}"
    );
    let late = refused(&safelight(&["ablate", &own, "--centres", &centres], false));
    assert!(late.contains("these are features already"), "{late}");
    let nowhere = refused(&safelight(&[&features[..], &["--centres", &path("centre"), "--out", &out]].concat(), true));
    assert!(nowhere.contains("there is no such folder of centres"), "{nowhere}");

    // A centre that cannot be read is named as such, and its picture is left out.
    std::fs::write(folder.join("centres/real/attic/0.png"), "no picture").unwrap();
    let (_, err) = succeeded(&safelight(&[&features[..], &["--centres", &centres, "--out", &fewer]].concat(), true));
    assert!(err.contains("skipped real/attic/0.png: its centre: "), "{err}");
    assert_eq!(self::names(&fewer).len(), 4 * EACH as usize - 1);

    // Sources of files are left out likewise, and one that is not there is named.
    let head = path("head");
    let train = ["train", &own, "--out", &head, "--width", "8", "--epochs", "1", "--without"];
    let (out, _) =
        succeeded(&safelight(&[&train[..], &["hydra", "--no-cvar", "--no-auc", "--no-sam"]].concat(), false));
    assert!(out.contains("36 pictures: 12 generated, 24 real."), "{out}");
    let file = std::fs::read(&head).unwrap();
    let (_, metadata) = safetensors::SafeTensors::read_metadata(&file).unwrap();
    let about: Value = serde_json::from_str(&metadata.metadata().as_ref().unwrap()["safelight"]).unwrap();
    let recipe = &about["training"]["config"];
    assert_eq!((&recipe["loss"]["cvarAlpha"], &recipe["loss"]["aucWeight"]), (&Value::Null, &0.0.into()), "{recipe}");
    assert_eq!(recipe["samRho"], 0.0);
    for input in [&own, &pictures] {
        let unknown = safelight(&["train", input, "--out", &head, "--without", "hydrant"], input == &pictures);
        assert!(refused(&unknown).contains("there is no source named “hydrant”"));
    }
}
