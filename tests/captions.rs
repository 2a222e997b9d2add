//! Captions at the terminal from end to end: a tiny random model with both towers, texts beside pictures, a head that
//! reads them, and captions that give the label away.
#![cfg(all(not(target_arch = "wasm32"), feature = "native"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use safelight::clip::config::{ClipConfig, TextConfig, VisionConfig};
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Pictures of a source.
const EACH: u32 = 12;

fn fresh_folder(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder); // of the run before
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Both towers, with CLIP's vocabulary and little else.
fn config() -> ClipConfig {
    let vision =
        VisionConfig { image_size: 32, patch_size: 8, width: 64, layers: 2, heads: 2, mlp: 128, projection: 32 };
    let text = TextConfig {
        vocabulary: 49_408,
        context: 77,
        width: 16,
        layers: 2,
        heads: 2,
        mlp: 32,
        projection: 32,
        end: None,
    };
    ClipConfig { vision, text: Some(text) }
}

/// Two sources a class; real pictures have dots, generated ones stripes. `caption` is given the class and a number.
fn write_pictures(folder: &Path, caption: impl Fn(bool, u32) -> String) {
    for (at, source) in ["real/attic", "real/beach", "fake/glide", "fake/hydra"].into_iter().enumerate() {
        std::fs::create_dir_all(folder.join(source)).unwrap();
        for index in 0..EACH {
            let picture = image::RgbImage::from_fn(72 + index % 5, 66 + index % 3, |x, y| {
                let shade = (index * 9 + at as u32 * 5) as u8;
                let on = if at < 2 { (x / 4 + index) % 3 == 0 && (y / 4) % 3 == 0 } else { (x + index) / 6 % 2 == 0 };
                if on { image::Rgb([230, 220, 200 - shade]) } else { image::Rgb([20 + shade, 40, 60]) }
            });
            picture.save(folder.join(format!("{source}/{index}.png"))).unwrap();
            std::fs::write(folder.join(format!("{source}/{index}.txt")), caption(at >= 2, index)).unwrap();
        }
    }
}

struct Bench {
    folder: PathBuf,
}

impl Bench {
    fn new(name: &str) -> Self {
        let folder = fresh_folder(name);
        common::text::write_pack(&folder.join("pack"), &config());
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).to_str().unwrap().to_owned()
    }

    fn safelight(&self, arguments: &[&str]) -> Output {
        let tokenizer = Path::new(ROOT).join("models/tokenizer.json");
        assert!(tokenizer.exists(), "run `cargo xtask models` first");
        let mut command = Command::new(env!("CARGO_BIN_EXE_safelight"));
        command.args(arguments).args(["--device", "cpu", "--pack", &self.path("pack"), "--tokenizer"]).arg(tokenizer);
        command.output().unwrap()
    }

    /// Trains on `pictures`; standard output and the report.
    fn train(&self, head: &str, more: &[&str]) -> (String, Value) {
        let (pictures, head, report) = (self.path("pictures"), self.path(head), self.path("report.json"));
        let train = ["train", &pictures, "--out", &head, "--report", &report, "--width", "32", "--epochs", "40"];
        let output = self.safelight(&[&train[..], &["--batch", "32", "--cache", &self.path("cache")], more].concat());
        let out = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{out}\n{}", String::from_utf8_lossy(&output.stderr));
        (out, serde_json::from_slice(&std::fs::read(report).unwrap()).unwrap())
    }

    /// Checks a picture: the JSON line and standard error.
    fn check(&self, head: &str, more: &[&str]) -> (Value, String) {
        let (picture, head) = (self.path("pictures/real/attic/0.png"), self.path(head));
        let output = self.safelight(&[&["check", &picture, "--head", &head, "--json"], more].concat());
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
        (serde_json::from_slice(&output.stdout).unwrap(), String::from_utf8_lossy(&output.stderr).into_owned())
    }
}

fn tiers(report: &Value) -> Vec<&str> {
    report["tiers"].as_array().unwrap().iter().map(|tier| tier["tier"].as_str().unwrap()).collect()
}

#[test]
fn a_head_reads_captions_and_does_without() {
    let bench = Bench::new("captions");
    write_pictures(&bench.folder.join("pictures"), |_, index| format!("a caf&eacute; at {index} o'clock\n"));
    let (out, report) = bench.train("head", &[]);
    assert!(out.contains("48 of them with a caption"), "{out}");
    assert_eq!(report["audit"]["captioned"], 48);
    let without = ["as-given-without-caption", "web-without-caption", "hard-without-caption"];
    assert_eq!(tiers(&report), [&["as-given", "web", "hard"], &without[..]].concat());

    let (alone, _) = bench.check("head", &[]);
    let (empty, _) = bench.check("head", &["--caption", " &nbsp; "]);
    let (read, _) = bench.check("head", &["--caption", "a photograph of the sea"]);
    assert_eq!([&alone["caption"], &empty["caption"], &read["caption"]], ["missing", "missing", "used"]);
    assert_eq!(alone["probability"], empty["probability"]);
    assert_ne!(alone["probability"], read["probability"]);

    // The table says it too.
    let row = |head: &str, more: &[&str]| {
        let (picture, head) = (bench.path("pictures/real/attic/0.png"), bench.path(head));
        let output = bench.safelight(&[&["check", &picture, "--head", &head], more].concat());
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(row("head", &[]).contains("(picture alone, without a caption)"));
    assert!(row("head", &["--caption", "the sea"]).contains("(picture and caption)"));

    // What was kept is not computed again, and says the same.
    let cache = std::fs::read(bench.path("cache")).unwrap();
    let (_, again) = bench.train("again", &[]);
    assert_eq!((std::fs::read(bench.path("cache")).unwrap(), &again["tiers"]), (cache, &report["tiers"]));

    let (_, plain) = bench.train("plain", &["--captions", "off"]);
    assert_eq!(tiers(&plain), ["as-given", "web", "hard"]);
    let (unread, said) = bench.check("plain", &["--caption", "a photograph of the sea"]);
    assert_eq!(unread["caption"], "unread");
    assert!(said.contains("reads no captions"), "{said}");
}

#[test]
fn captions_that_give_the_label_away_are_left_out() {
    let bench = Bench::new("telling-captions");
    let caption =
        |generated, index| if generated { format!("hyper detailed, 8k, {index}") } else { format!("IMG {index}") };
    write_pictures(&bench.folder.join("pictures"), caption);
    let (out, report) = bench.train("head", &[]);
    assert!(out.contains("The captions alone") && out.contains("goes on without captions"), "{out}");
    assert!(report["audit"]["captionAuc"]["interval"][0].as_f64().unwrap() > 0.8, "{report}");
    assert_eq!(tiers(&report), ["as-given", "web", "hard"]);
    let (_, report) = bench.train("forced", &["--captions", "on"]);
    assert_eq!(tiers(&report).len(), 6);
}
