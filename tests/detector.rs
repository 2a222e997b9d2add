//! A check in two steps, the first of them during another check, with a tiny model and a head of its own.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use std::path::Path;

use pollster::block_on;
use safelight::clip::pack::{Manifest, PackReader};
use safelight::detector::{Detector, Milliseconds, Prepared, Verdict};
use safelight::device::Device;
use safelight::extractor::Extractor;
use safelight::features::{FeatureSpec, View};
use safelight::head::info::PackRef;
use safelight::head::{Head, HeadFile};
use safelight::picture::{Limits, Picture};
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

/// A picture without grain is the same in each of its quarters, so five squares say what the central one says; of any
/// other picture they are their mean.
#[test]
fn details_are_what_the_tower_makes_of_five_squares_on_average() {
    let mut detector = detector();
    let side = u32::try_from(detector.extractor().tower().config().image_size).unwrap();
    let even = Picture {
        width: 3 * side,
        height: 2 * side,
        rgb: [90, 120, 30].repeat(6 * (side * side) as usize),
        format: "PNG".to_owned(),
    };
    let bytes = picture("02-chelsea.png");
    let uneven = Picture::decode(&bytes, &Limits::default()).unwrap();
    let spec = |views| FeatureSpec { views, ..FeatureSpec::usual(detector.extractor().shape()) };
    let features = |picture: &Picture, view| {
        block_on(detector.extractor().features(&spec(vec![view]), std::slice::from_ref(picture), &mut ())).unwrap()
    };
    let far = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert!(far(&features(&even, View::Detail), &features(&even, View::Details)) < 1e-4);
    assert!(far(&features(&uneven, View::Detail), &features(&uneven, View::Details)) > 1e-2);

    // By hand: each square alone, then the mean.
    let squares = View::Details.pixels(&uneven, side as usize).unwrap(); // [5, 3, side, side]
    let each = squares
        .chunks(squares.len() / 5)
        .map(|square| block_on(detector.extractor().tower().forward(square.to_vec(), &mut ())).unwrap().embedding);
    let mean = each.fold(vec![0.0; detector.extractor().shape().projection], |sum, one| {
        sum.iter().zip(&one).map(|(sum, one)| sum + one / 5.0).collect()
    });
    let views = [View::Whole, View::Details];
    let seen = block_on(detector.extractor().look(&views, &[uneven, even], &mut ())).unwrap();
    assert_eq!((seen.present, seen.tokens.n), (vec![true; 4], 4));
    assert!(far(&seen.tokens.embedding[mean.len()..2 * mean.len()], &mean) < 1e-5);

    let other = head(detector.extractor(), Some(views.to_vec()));
    detector.use_head(other).unwrap();
    let verdict = block_on(detector.check(&bytes, None, &mut ())).unwrap();
    assert_eq!(verdict.views, views.map(View::words));
}
