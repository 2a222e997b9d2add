//! `safelight train`: features, audit, folds, the head, its report.

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use safelight::device::Device;
use safelight::features::FeatureSpec;
use safelight::head::info::Figures;
use safelight::head::{Head, HeadFile};
use safelight::train::audit::audit;
use safelight::train::data::set::{LabelledPicture, TrainingSet};
use safelight::train::session::{FOLDS, Naming, Session};
use safelight::train::validation::judged::FOR_AUC;
use safelight::train::validation::limits::Aims;
use safelight::{Error, Result};

use crate::features::Pictures;
use crate::features::kind::Kind;
use crate::recipe::{Captions, Feature, Parts, Recipe};
use crate::{eval, loading, tables};

#[derive(clap::Args)]
pub struct Arguments {
    #[command(flatten)]
    pictures: Pictures,
    #[command(flatten)]
    feature: Feature,
    #[command(flatten)]
    recipe: Recipe,
    #[command(flatten)]
    parts: Parts,
    /// Start from this head, with its features, and lead it to these pictures.
    #[arg(long)]
    base: Option<PathBuf>,
    /// Most folds of the validation.
    #[arg(long, default_value_t = FOLDS)]
    folds: usize,
    /// Share of real pictures that may be called generated.
    #[arg(long, default_value_t = Aims::default().false_positives)]
    false_positives: f64,
    /// Pictures of other sources, a folder or a file of `features`: the head's figures are then those of
    /// its verdicts on them. Calibration and limits stay those of the held-out pictures of the folds.
    #[arg(long, requires = "unseen_name")]
    unseen: Option<PathBuf>,
    /// What they are, in words.
    #[arg(long)]
    unseen_name: Option<String>,
    /// The head's file to write.
    #[arg(long)]
    out: PathBuf,
    /// Its stable name.
    #[arg(long, default_value = "own")]
    id: String,
    /// Its name for people.
    #[arg(long, default_value = "My own head")]
    name: String,
    /// Day of training, ISO 8601; today where it is left out.
    #[arg(long)]
    date: Option<String>,
    /// Write the whole report as JSON.
    #[arg(long)]
    report: Option<PathBuf>,
}

pub async fn run(arguments: &Arguments) -> Result<ExitCode> {
    let preset = if arguments.base.is_some() { "fine-tune" } else { "default" };
    let config = arguments.parts.of(arguments.recipe.config_or(preset)?);
    let base = arguments.base.as_ref().map(|path| HeadFile::read(&loading::read(path)?)).transpose()?;
    let views = base.as_ref().map_or(&arguments.feature.views, |base| &base.info.features.views);
    let treatments = arguments.feature.treatments();
    let file = arguments.pictures.features(views, &treatments).await?;
    arguments.feature.require_draws(&file.kind.treatments)?;
    let Kind { pack, shape, .. } = &file.kind;
    let spec = match &base {
        Some(base) => {
            Head::new(base).require(&pack.id, &pack.sha256, *shape)?;
            base.info.features.clone()
        }
        None => arguments.feature.spec(*shape, file.captioned),
    };
    if arguments.feature.captions == Captions::On && !spec.caption {
        let message = "there are no captions to read: the pictures have none, or the model has no text tower";
        return Err(Error::TrainingSet { message: message.to_owned() });
    }
    let set = file.training_set(&spec)?;
    let audited = audit(&set, &mut ()).await?;
    println!("{}\n", tables::audit(&audited));
    // A head that reads captions is led on with them.
    let may_leave_out = arguments.feature.captions == Captions::Auto && base.is_none();
    let (set, spec) = match audited.against_captions().filter(|_| may_leave_out) {
        Some(reason) => {
            println!("{reason} Training goes on without captions; --captions on reads them all the same.\n");
            (set.without_captions(), FeatureSpec { caption: false, ..spec })
        }
        None => (set, spec),
    };

    let device = Device::cpu();
    let unseen = match &arguments.unseen {
        Some(path) => {
            let unseen = Box::pin(arguments.pictures.features_of(path, &spec.views, &file.kind.treatments)).await?;
            file.kind.require_model(&unseen.kind, path)?;
            Some(require_unseen(unseen.training_set(&spec)?, &set)?)
        }
        None => None,
    };
    let session = Session::new(set, config, base, arguments.folds, &device).await?;
    let mut session = session.with_audit(audited);
    let bar = loading::bar(session.epochs() as u64, "training", "{pos} of {len}");
    while let Some(epoch) = session.epoch(&mut ()).await? {
        if let Some(auc) = epoch.validation_auc {
            bar.set_message(format!("fold {} of {}, AUC {auc:.3}", epoch.fold + 1, epoch.folds));
        } else {
            bar.set_message("the head itself");
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let date = arguments.date.clone().unwrap_or_else(today);
    let naming = Naming { id: arguments.id.clone(), name: arguments.name.clone(), date };
    let aims = Aims { false_positives: arguments.false_positives, ..Aims::default() };
    let (mut head, report) = session.finish(naming, pack.clone(), spec, aims).await?;
    println!("{}", tables::tiers(&report.tiers));
    for warning in &report.warnings {
        println!("! {warning}");
    }
    if report.epochs < report.config.epochs {
        let (epochs, all) = (report.epochs, report.config.epochs);
        println!(
            "Held-out pictures were told apart best after {epochs} of {all} epochs, so the head learnt for as many."
        );
    }
    if let (Some(unseen), Some(name)) = (unseen, &arguments.unseen_name) {
        let ready = Head::new(&head);
        head.info.figures = figures(&ready, &unseen, name).await?;
        let figures = &head.info.figures;
        println!(
            "On {name}: AUC {:.3} ({:.3}–{:.3}), {} of the real called generated, {} of the generated real.",
            figures.auc,
            figures.auc_interval[0],
            figures.auc_interval[1],
            tables::percent(figures.real_called_generated),
            tables::percent(figures.generated_called_real)
        );
    }
    loading::write(&arguments.out, &head.write()?)?;
    println!("The head is in {}.", arguments.out.display());
    if let Some(path) = &arguments.report {
        let json = serde_json::to_vec_pretty(&report).map_err(|error| Error::HeadFormat { message: error.to_string() });
        loading::write(path, &json?)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses pictures that say nothing of how the head does on pictures it never saw, before anything is trained.
fn require_unseen(unseen: TrainingSet, learnt: &TrainingSet) -> Result<TrainingSet> {
    let refuse = |message: String| Err(Error::TrainingSet { message });
    let sources: HashSet<&str> = learnt.pictures.iter().map(|picture| picture.source.as_str()).collect();
    let hashes: HashSet<&str> = learnt.pictures.iter().map(|picture| picture.facts.sha256.as_str()).collect();
    for LabelledPicture { name, source, facts, .. } in &unseen.pictures {
        if !source.is_empty() && sources.contains(source.as_str()) {
            return refuse(format!("its unseen pictures share a source with those that it learns from: {source}"));
        }
        if !facts.sha256.is_empty() && hashes.contains(facts.sha256.as_str()) {
            return refuse(format!("one of its unseen pictures is among those that it learns from: {name}"));
        }
    }
    let generated = unseen.generated().iter().filter(|&&generated| generated).count();
    if generated.min(unseen.len() - generated) < FOR_AUC {
        return refuse(format!("its unseen pictures must be {FOR_AUC} of each class at least"));
    }
    Ok(unseen)
}

/// What the finished head says of pictures whose sources it never saw, in the first tier.
async fn figures(head: &Head, unseen: &TrainingSet, name: &str) -> Result<Figures> {
    let (tier, treatments) = unseen.tiers().into_iter().next().unwrap_or_default();
    let report = eval::judge(head, unseen, &treatments).await?.report(&tier);
    let few = || Error::TrainingSet { message: "the unseen pictures are too few of one class".to_owned() };
    let auc = report.auc.ok_or_else(few)?;
    let (generated, real) = (report.confusion.generated, report.confusion.real);
    Ok(Figures {
        source: name.to_owned(),
        n: unseen.len(),
        auc: auc.value,
        auc_interval: auc.interval,
        real_called_generated: real.share(real.generated),
        generated_called_real: generated.share(generated.real),
        unsure: (generated.unsure + real.unsure) as f64 / unseen.len().max(1) as f64,
    })
}

/// The day by the system's clock, UTC, ISO 8601.
fn today() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    // Days since 1970 → year, month, day in the Gregorian calendar (Hinnant, "chrono-compatible low-level
    // date algorithms"): years begin in March, so that leap days come last.
    let days = i64::try_from(seconds / 86_400).unwrap_or(0) + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = era * 400 + year + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02}")
}
