//! A check in two steps, the first of them during another check, with a tiny model and a head of its own.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::path::Path;

use pollster::block_on;
use safelight::clip::pack::{Manifest, PackReader};
use safelight::detector::{Detector, Milliseconds, Prepared, Verdict};
use safelight::device::Device;
use safelight::extractor::Extractor;
use safelight::features::View;
use safelight::head::info::PackRef;
use safelight::head::{Head, HeadFile};
use safelight::progress::Progress;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden");

fn head(extractor: &Extractor, views: Option<Vec<View>>) -> Head {
    let manifest = extractor.manifest();
    let pack = PackRef { id: manifest.id.clone(), sha256: manifest.weights_file().unwrap().sha256.clone() };
    let mut file = HeadFile::blank(pack, extractor.shape());
    file.info.id = String::from("weighs-all"); // a blank one has no name
    if let Some(views) = views {
        file.info.features.views = views;
        file.info.dimension = file.info.features.dimension(extractor.shape());
    }
    file.output_weight = (0..file.info.dimension).map(|at| f32::sin(at as f32)).collect();
    Head::new(&file)
}

fn detector() -> Detector {
    let folder = Path::new(GOLDEN).join("tiny");
    let manifest = Manifest::parse(&std::fs::read_to_string(folder.join("pack.json")).unwrap()).unwrap();
    let mut reader = PackReader::new(manifest, Device::cpu()).unwrap();
    reader.push(&std::fs::read(folder.join("model.safetensors")).unwrap()).unwrap();
    let (manifest, clip) = reader.finish().unwrap();
    let extractor = Extractor::new(manifest, clip);
    let head = head(&extractor, None);
    Detector::new(extractor, head).unwrap()
}

fn picture(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(GOLDEN).join("clip/pictures").join(name)).unwrap()
}

/// Without the clock.
fn timeless(verdict: Verdict) -> (u32, Verdict) {
    (verdict.probability.to_bits(), Verdict { ms: Milliseconds::default(), ..verdict })
}

/// Prepares a picture after the second block of another's check.
struct Meanwhile<'a> {
    detector: &'a Detector,
    next: Vec<u8>,
    prepared: Option<Prepared>,
}

impl Progress for Meanwhile<'_> {
    fn step(&mut self, done: usize, _total: usize) -> bool {
        if done == 2 {
            self.prepared = Some(self.detector.prepare(&self.next).unwrap());
        }
        true
    }
}

#[test]
fn a_picture_made_ready_during_another_check_gets_the_same_verdict_to_the_last_bit() {
    let detector = detector();
    let (first, next) = (picture("02-chelsea.png"), picture("07-coins.png"));
    let alone = |bytes: &[u8]| timeless(block_on(detector.check(bytes, None, &mut ())).unwrap());
    let (first_alone, next_alone) = (alone(&first), alone(&next));
    assert_ne!(first_alone.0, next_alone.0, "the head tells the two apart");

    let mut meanwhile = Meanwhile { detector: &detector, next, prepared: None };
    let disturbed = block_on(detector.check(&first, None, &mut meanwhile)).unwrap();
    let prepared = meanwhile.prepared.unwrap();
    assert_eq!(timeless(disturbed), first_alone);
    assert_eq!(timeless(block_on(detector.check_prepared(prepared, None, &mut ())).unwrap()), next_alone);
}

#[test]
fn a_picture_made_ready_for_a_head_with_other_views_is_refused() {
    let mut detector = detector();
    let prepared = detector.prepare(&picture("07-coins.png")).unwrap();
    let other = head(detector.extractor(), Some(vec![View::Detail, View::Whole]));
    detector.use_head(other).unwrap();
    let refused = block_on(detector.check_prepared(prepared, None, &mut ())).unwrap_err();
    assert_eq!(refused.code(), "head-format");
}
