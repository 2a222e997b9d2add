//! The audit before training: how far would a classifier get that sees no pixel? What it can tell from
//! size, format and compression, or from captions, a detector can learn too, and it would be right for the
//! wrong reason.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::data::duplicates::{self, Duplicate, Kind};
use super::data::set::{LabelledPicture, TrainingSet};
use super::validation::folds::Folds;
use super::validation::logistic::Logistic;
use crate::Result;
use crate::metrics::bootstrap::Units;
use crate::metrics::calibration::class_weights;
use crate::metrics::{Estimate, Scored};
use crate::progress::{self, Progress};

mod captions;
mod facts;
#[cfg(test)]
mod tests;

/// What a labelled folder gives away before any pixel is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AuditReport {
    /// Pictures in all.
    pub pictures: usize,
    /// Of them generated.
    pub generated: usize,
    /// Of them real.
    pub real: usize,
    /// Cross-validated ROC area of the classifier that sees facts only. Its interval draws pictures anew, because what is
    /// asked is whether these pictures can be told apart so: a few sources would leave that open where all are.
    pub null_auc: Option<Estimate>,
    /// The same area; its interval draws what those of a head's figures draw, to hold the two against each other: whole
    /// sources, where there are enough. Reports of before lack it.
    #[serde(default)]
    pub null_auc_over_sources: Option<Estimate>,
    /// Why it is missing, a sentence.
    pub reason: Option<String>,
    /// Pictures with a caption; 0 where captions are not read.
    #[serde(default)]
    pub captioned: usize,
    /// Cross-validated ROC area of a head that sees captions only, and which pictures have none.
    #[serde(default)]
    pub caption_auc: Option<Estimate>,
    /// Single facts that tell the classes apart, the best first.
    pub facts_that_tell: Vec<TellingFact>,
    /// Pictures that are there twice.
    pub duplicates: Vec<Duplicate>,
    /// Sources with pictures of one class only.
    pub one_class_sources: Vec<String>,
    /// Share of the smaller class, 0…0.5.
    pub balance: f64,
    /// What a person should know before training, in sentences.
    pub warnings: Vec<String>,
}

impl AuditReport {
    /// Whether captions alone tell the classes apart: the interval of their area lies above chance.
    #[must_use]
    pub fn captions_tell(&self) -> bool {
        self.caption_auc.is_some_and(|auc| auc.interval[0] > 0.5)
    }

    /// Why a head had better not read the captions, a sentence; `None` where nothing speaks against it.
    #[must_use]
    pub fn against_captions(&self) -> Option<&'static str> {
        if self.captioned > 0 && self.caption_auc.is_none() {
            Some("There are too few pictures to tell whether the captions give the label away.")
        } else {
            self.captions_tell().then_some("The captions give the label away.")
        }
    }
}

/// A fact and how well it alone tells the classes apart.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TellingFact {
    /// What the generated pictures tend to be, in words.
    pub fact: String,
    /// ROC area, 0.5…1.
    pub auc: f64,
}

/// Folds of the null classifier.
const FOLDS: usize = 5;

/// Pictures of each class that its figure needs: it has 19 weights.
const NEEDED: usize = 20;

/// Area from which a fact is worth naming, and from which the null classifier is worth a warning.
const TELLING: f64 = 0.6;

/// Weight of the penalty on the null classifier's weights, on standardised columns.
const PENALTY: f64 = 1.0;

/// Audits labelled pictures, and their captions where they are read. `progress` is told of duplicates first,
/// then of folds.
///
/// # Errors
/// [`crate::Error::Cancelled`].
pub async fn audit(set: &TrainingSet, progress: &mut impl Progress) -> Result<AuditReport> {
    let pictures = &set.pictures;
    let generated: Vec<bool> = pictures.iter().map(|picture| picture.generated).collect();
    let sources: Vec<String> = pictures.iter().map(|picture| picture.source.clone()).collect();
    let count = generated.iter().filter(|&&generated| generated).count();
    let real = pictures.len() - count;
    let duplicates = duplicates::find(pictures, progress).await?;
    let cluster = duplicates::clusters(pictures.len(), &duplicates);
    let folds = Folds::deal(&generated, &sources, &cluster, FOLDS);
    let units = Units::pictures(&generated);
    let reason = reason(count, real, &folds);
    let enough = reason.is_none();
    let (null_auc, null_auc_over_sources) = if enough {
        let scores = null_scores(pictures, &generated, &folds, progress).await?;
        let told = Scored { scores: &scores, generated: &generated };
        (told.auc_estimate(&units, 1), told.auc_estimate(&Units::sources(&generated, &sources), 1))
    } else {
        (None, None)
    };
    let captioned = if set.reads_captions() { captions::count(set) } else { 0 };
    let caption_auc = if enough && captioned > 0 {
        let scores = captions::scores(set, &folds, progress).await?;
        Scored { scores: &scores, generated: &generated }.auc_estimate(&units, 1)
    } else {
        None
    };
    let mut report = AuditReport {
        pictures: pictures.len(),
        generated: count,
        real,
        null_auc,
        null_auc_over_sources,
        reason,
        captioned,
        caption_auc,
        facts_that_tell: facts_that_tell(pictures),
        duplicates,
        one_class_sources: one_class_sources(pictures),
        balance: count.min(real) as f64 / pictures.len().max(1) as f64,
        warnings: Vec::new(),
    };
    report.warnings = warnings(&report, &sources, &folds);
    Ok(report)
}

/// Why nothing can be cross-validated, a sentence.
fn reason(generated: usize, real: usize, folds: &Folds) -> Option<String> {
    if generated.min(real) < NEEDED {
        let few = if generated < real { format!("{generated} generated") } else { format!("{real} real") };
        return Some(format!("This needs at least {NEEDED} pictures of each class; there are {few} ones."));
    }
    let alike = "This needs pictures that differ: nearly all of one class are the same one.";
    (folds.count == 0).then(|| alike.to_owned())
}

/// The logit of every picture from a classifier of facts that was fitted without the picture's fold.
async fn null_scores(
    pictures: &[LabelledPicture],
    generated: &[bool],
    folds: &Folds,
    progress: &mut impl Progress,
) -> Result<Vec<f32>> {
    let mut rows: Vec<Vec<f64>> = pictures.iter().map(|picture| facts::row(&picture.facts)).collect();
    facts::standardise(&mut rows); // sees no label
    let mut scores = vec![0.0; pictures.len()];
    for fold in 0..folds.count {
        progress::step(progress, fold, folds.count)?;
        progress.rest().await;
        let (kept, held) = folds.split(fold);
        let classes: Vec<bool> = kept.iter().map(|&index| generated[index]).collect();
        let kept: Vec<Vec<f64>> = kept.iter().map(|&index| rows[index].clone()).collect();
        let targets: Vec<f64> = classes.iter().map(|&class| f64::from(u8::from(class))).collect();
        let model = Logistic::fit(&kept, &targets, &class_weights(&classes), PENALTY);
        for index in held {
            scores[index] = model.logit(&rows[index]) as f32;
        }
    }
    progress::step(progress, folds.count, folds.count)?;
    Ok(scores)
}

fn facts_that_tell(pictures: &[LabelledPicture]) -> Vec<TellingFact> {
    let tell = |measure: &facts::Measure| {
        let known =
            pictures.iter().filter_map(|picture| Some(((measure.of)(&picture.facts)? as f32, picture.generated)));
        let (scores, generated): (Vec<f32>, Vec<bool>) = known.unzip();
        let auc = Scored { scores: &scores, generated: &generated }.auc()?;
        let fact = if auc >= 0.5 { measure.high } else { measure.low };
        Some(TellingFact { fact: fact.to_owned(), auc: auc.max(1.0 - auc) })
    };
    let mut told: Vec<TellingFact> =
        facts::MEASURES.iter().filter_map(tell).filter(|told| told.auc >= TELLING).collect();
    told.sort_by(|a, b| b.auc.total_cmp(&a.auc));
    told
}

fn one_class_sources(pictures: &[LabelledPicture]) -> Vec<String> {
    let mut classes: BTreeMap<&str, BTreeSet<bool>> = BTreeMap::new();
    for picture in pictures.iter().filter(|picture| !picture.source.is_empty()) {
        classes.entry(&picture.source).or_default().insert(picture.generated);
    }
    classes.into_iter().filter(|(_, classes)| classes.len() == 1).map(|(source, _)| source.to_owned()).collect()
}

fn warnings(report: &AuditReport, sources: &[String], folds: &Folds) -> Vec<String> {
    let mut warnings = Vec::new();
    if let Some(Estimate { value, interval: [low, high] }) = report.null_auc
        && value >= TELLING
        && low > 0.5
    {
        let best = report.facts_that_tell.first();
        let best = best.map_or_else(String::new, |told| format!(" Generated pictures here tend to be {}.", told.fact));
        warnings.push(format!(
            "Without seeing a pixel, size, format and compression tell the classes apart at {value:.2} \
             ({low:.2}–{high:.2}): a detector can learn that instead of pictures. Equalise both classes first.{best}"
        ));
    }
    if let Some(Estimate { value, interval: [low, high] }) = report.caption_auc.filter(|_| report.captions_tell()) {
        warnings.push(format!(
            "The captions alone, without any picture, tell the classes apart at {value:.2} ({low:.2}–{high:.2}): a \
             detector can learn how they are worded instead of what pictures look like. Train without captions, \
             or take those of both classes from the same place."
        ));
    }
    let duplicates = |holds: &dyn Fn(&&Duplicate) -> bool| report.duplicates.iter().filter(holds).count();
    let across = duplicates(&|duplicate| duplicate.across_classes);
    if across > 0 {
        warnings.push(format!("{across} pictures are in both classes: one of the two labels is wrong."));
    }
    let exact = duplicates(&|duplicate| duplicate.kind == Kind::Exact);
    let near = report.duplicates.len() - exact;
    if exact + near > 0 {
        let leaking = duplicates(&|duplicate| folds.of[duplicate.a] != folds.of[duplicate.b]);
        let leak = match (folds.count, leaking) {
            (0, _) => String::new(),
            (_, 0) => "; they are kept in one fold".to_owned(),
            _ => {
                format!("; {leaking} of them lie in another source than their double, so figures are a little too good")
            }
        };
        warnings.push(format!("{exact} pictures are there twice and {near} nearly so{leak}."));
    }
    if report.balance < 0.2 && report.pictures > 0 {
        let smaller = if report.generated < report.real { "generated" } else { "real" };
        warnings.push(format!(
            "Only {:.0} % of the pictures are {smaller}: more of them would help most.",
            100.0 * report.balance
        ));
    }
    let named: BTreeSet<&str> = sources.iter().map(String::as_str).filter(|source| !source.is_empty()).collect();
    if folds.count > 0 && !folds.grouped {
        warnings.push(
            "Whole sources cannot be held out: the folders do not name several of each class, or one of them has \
             nearly all pictures of it. So figures will be of pictures like these, not of new sources."
                .to_owned(),
        );
    } else if folds.grouped && report.one_class_sources.len() == named.len() {
        warnings.push(
            "Every source has pictures of one class only: what tells sources apart also tells the classes apart."
                .to_owned(),
        );
    }
    warnings
}
