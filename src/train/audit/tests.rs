use super::*;
use crate::picture::facts::Facts;

/// Generated pictures have `side` on both sides, real ones all kinds of sizes; nothing else differs.
fn folder(n: usize, side: Option<u32>) -> Vec<LabelledPicture> {
    let mut state = 7;
    let mut draw = |below: u64| (crate::random::random(&mut state) % below) as u32;
    let mut picture = |index: usize| {
        let generated = index.is_multiple_of(2);
        let (mut width, mut height) = (300 + draw(900), 300 + draw(900));
        if let Some(side) = side.filter(|_| generated) {
            (width, height) = (side, side);
        }
        let facts = Facts {
            width,
            height,
            format: "JPEG".to_owned(),
            bytes: u64::from(width * height) / 8 + u64::from(draw(50_000)),
            jpeg_quality: Some(75 + draw(20) as u8),
            jpeg_subsampling: Some("4:2:0".to_owned()),
            exif: draw(2) == 0,
            sha256: format!("{index}"),
            perceptual: format!("{:08x}{:08x}", draw(1 << 32), draw(1 << 32)),
        };
        LabelledPicture {
            name: format!("{index}"),
            source: format!("s{}", index % 10),
            generated,
            facts,
            caption: None,
        }
    };
    (0..n).map(&mut picture).collect()
}

fn audited(pictures: &[LabelledPicture]) -> AuditReport {
    captioned(pictures, 0, |_, _| Vec::new())
}

/// The same with a caption's row of length `c` for each.
fn captioned(pictures: &[LabelledPicture], c: usize, mut row: impl FnMut(usize, bool) -> Vec<f32>) -> AuditReport {
    let mut set = TrainingSet::new(1, vec![crate::treatment::Treatment::AsGiven]).with_captions(c);
    for (index, picture) in pictures.iter().enumerate() {
        set.add_with_caption(picture.clone(), &[0.0], &row(index, picture.generated)).unwrap();
    }
    pollster::block_on(audit(&set, &mut ())).unwrap()
}

#[test]
fn captions_that_give_the_label_away_are_found_out() {
    let pictures = folder(200, None);
    let mut state = 3;
    let mut noise = move || (crate::random::random(&mut state) % 2000) as f32 / 1000.0 - 1.0;
    let report = captioned(&pictures, 4, |_, generated| {
        vec![noise() + if generated { 1.0 } else { -1.0 }, noise(), noise(), 1.0]
    });
    assert_eq!(report.captioned, 200);
    assert!(report.caption_auc.unwrap().interval[0] > 0.85, "{:?}", report.caption_auc);
    assert!(report.warnings.iter().any(|warning| warning.contains("without captions")), "{:?}", report.warnings);
    assert!(report.against_captions().is_some());
}

#[test]
fn captions_that_cannot_be_judged_had_better_be_left_out() {
    let report = captioned(&folder(30, None), 2, |_, generated| vec![if generated { 1.0 } else { 0.5 }; 2]);
    assert_eq!((report.captioned, report.caption_auc, report.captions_tell()), (30, None, false));
    assert!(report.against_captions().unwrap().contains("too few"));
    assert_eq!(audited(&folder(30, None)).against_captions(), None, "there are none");
}

/// These pictures give it away, every one of them; but a head's figures are drawn anew by source, and five sources a
/// class leave doubt for others.
#[test]
fn facts_are_held_against_a_head_by_source_and_accused_by_picture() {
    let report = audited(&folder(200, Some(512)));
    let [by_picture, by_source] = [report.null_auc, report.null_auc_over_sources].map(|auc| auc.unwrap().interval[0]);
    assert!(by_picture > 0.95 && (by_source - 0.025_f64.powf(0.2)).abs() < 1e-12, "{by_picture} {by_source}");
    assert!(report.warnings.iter().any(|warning| warning.contains("Equalise")), "{:?}", report.warnings);
}

/// Two sources that mix the classes unevenly: no part of the folds may have one class only.
#[test]
fn sources_with_both_classes_leave_both_to_learn_from() {
    let mut pictures = folder(300, Some(512));
    for (index, picture) in pictures.iter_mut().enumerate() {
        picture.generated = index.is_multiple_of(2);
        picture.source = match (picture.generated, index < 200) {
            (false, true) | (true, false) => "b",
            (false, false) => "a",
            (true, true) => "c",
        }
        .to_owned();
    }
    let report = audited(&pictures);
    assert!(report.null_auc.unwrap().value > 0.95, "{:?}", report.null_auc);
}

#[test]
fn that_only_one_class_has_captions_is_found_out_too() {
    let report = captioned(&folder(200, None), 2, |_, generated| vec![if generated { 1.0 } else { 0.0 }; 2]);
    assert_eq!(report.captioned, 100);
    assert!(report.caption_auc.unwrap().interval[0] > 0.95, "{:?}", report.caption_auc);
}

#[test]
fn captions_that_say_nothing_are_not_accused() {
    let mut state = 11;
    let mut noise = move || (crate::random::random(&mut state) % 2000) as f32 / 1000.0 - 1.0;
    let report = captioned(&folder(400, None), 4, |_, _| vec![noise(), noise(), noise(), 1.0]);
    let [low, _] = report.caption_auc.unwrap().interval;
    assert!(low < 0.5, "{:?}", report.caption_auc);
    assert!(!report.warnings.iter().any(|warning| warning.contains("captions alone")));
    assert_eq!(audited(&folder(200, None)).caption_auc, None);
}

#[test]
fn a_folder_that_cheats_by_size_is_found_out() {
    let report = audited(&folder(200, Some(512)));
    assert!(report.null_auc.unwrap().interval[0] > 0.95, "{report:?}");
    assert!(report.facts_that_tell.iter().any(|told| told.fact.starts_with("square, or") && told.auc > 0.95));
    assert!(report.warnings.iter().any(|warning| warning.contains("Equalise")), "{:?}", report.warnings);
    assert_eq!(report.one_class_sources.len(), 10);
}

#[test]
fn a_folder_without_a_shortcut_is_not_accused() {
    let report = audited(&folder(400, None));
    let [low, high] = report.null_auc.unwrap().interval;
    assert!(low < 0.5 && high > 0.5 || (high - 0.5).abs() < 0.05, "{:?}", report.null_auc);
    assert!(report.facts_that_tell.is_empty(), "{:?}", report.facts_that_tell);
    assert!(!report.warnings.iter().any(|warning| warning.contains("Equalise")));
    assert!((report.balance - 0.5).abs() < 1e-9);
}

#[test]
fn small_and_lopsided_folders_are_told_so() {
    let mut pictures = folder(40, None);
    for picture in &mut pictures[..36] {
        picture.generated = false;
    }
    pictures[39].facts.sha256 = "0".to_owned();
    pictures[39].generated = true;
    let report = audited(&pictures);
    assert_eq!(report.null_auc, None);
    assert!(report.reason.unwrap().contains("at least 20"));
    assert!(report.warnings.iter().any(|warning| warning.contains("both classes")), "{:?}", report.warnings);
    assert!(report.warnings.iter().any(|warning| warning.contains("are generated")), "{:?}", report.warnings);
}
