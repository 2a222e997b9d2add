//! Reports as people read them at a terminal.

use safelight::metrics::Estimate;
use safelight::metrics::bootstrap::Resampled;
use safelight::train::audit::AuditReport;
use safelight::train::validation::report::TierReport;

/// What an audit found.
pub fn audit(report: &AuditReport) -> String {
    let mut lines =
        vec![format!("{} pictures: {} generated, {} real.", report.pictures, report.generated, report.real)];
    match (&report.null_auc, &report.reason) {
        (Some(auc), _) => lines.push(format!("Without a pixel the classes are told apart at AUC {}.", estimate(auc))),
        (None, Some(reason)) => lines.push(format!("Whether the classes can be told apart without a pixel: {reason}")),
        (None, None) => {}
    }
    if let Some(auc) = &report.caption_auc {
        let of = format!("{} of them with a caption", report.captioned);
        lines
            .push(format!("{of}: captions alone, without a picture, tell the classes apart at AUC {}.", estimate(auc)));
    }
    lines.extend(
        report.facts_that_tell.iter().map(|told| format!("  {:.2}  generated ones are {}", told.auc, told.fact)),
    );
    lines.extend(report.warnings.iter().map(|warning| format!("! {warning}")));
    lines.join("\n")
}

/// `31 %`; what would round to none of them or to all of them keeps a decimal.
pub fn percent(share: f64) -> String {
    let rounds = (0.0..0.01).contains(&share) && share > 0.0 || (0.99..1.0).contains(&share);
    if rounds { format!("{:.1} %", 100.0 * share) } else { format!("{:.0} %", 100.0 * share) }
}

/// A row for every tier and source.
pub fn tiers(tiers: &[TierReport]) -> String {
    let header = [
        "tier",
        "source",
        "n",
        "AUC (95 %)",
        "TPR at 5 %",
        "at 1 %",
        "false alarms",
        "found",
        "missed",
        "calibration error",
    ];
    let mut rows = vec![header.map(str::to_owned)];
    let percent = |share: Option<f64>| share.map_or_else(|| "–".to_owned(), percent);
    for tier in tiers {
        let generated = tier.confusion.generated;
        let of_generated = |verdicts: usize| percent((generated.total() > 0).then(|| generated.share(verdicts)));
        rows.push([
            tier.tier.clone(),
            "all".to_owned(),
            tier.n.to_string(),
            tier.auc.as_ref().map_or_else(|| "–".to_owned(), estimate),
            percent(tier.tpr_at5.map(|rate| rate.value)),
            percent(tier.tpr_at1.map(|rate| rate.value)),
            percent(tier.fpr_at_threshold),
            of_generated(generated.generated),
            of_generated(generated.real),
            tier.expected_calibration_error.map_or_else(|| "–".to_owned(), |error| format!("{error:.3}")),
        ]);
        rows.extend(tier.sources.iter().map(|source| {
            let auc = source.auc.as_ref().map_or_else(|| "–".to_owned(), estimate);
            let (name, n, empty) = (source.source.clone(), source.n.to_string(), String::new);
            [empty(), name, n, auc, empty(), empty(), percent(source.fpr_at_threshold), empty(), empty(), empty()]
        }));
    }
    let mut text = aligned(&rows);
    text.push_str("\nFalse alarms: real ones called “likely generated”. Of the generated ones, found: called that; missed: “likely real”.");
    if tiers.iter().any(|tier| tier.resampled == Resampled::Sources) {
        text.push_str("\nIntervals of all: by drawing whole sources anew; of one source: its pictures.");
    }
    for tier in tiers {
        if let Some(reason) = &tier.reason {
            text = format!("{text}\n{}: {reason}", tier.tier);
        }
    }
    text
}

/// Columns padded to their widest cell.
pub fn aligned<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..N).map(width).collect();
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Means over runs of the value and of the ends of its interval.
pub fn mean(runs: &[Estimate]) -> Estimate {
    let mean = |of: fn(&Estimate) -> f64| runs.iter().map(of).sum::<f64>() / runs.len().max(1) as f64;
    Estimate { value: mean(|run| run.value), interval: [mean(|run| run.interval[0]), mean(|run| run.interval[1])] }
}

/// Standard deviation of the value over runs.
pub fn deviation(runs: &[Estimate]) -> f64 {
    let mean = mean(runs).value;
    let squares: f64 = runs.iter().map(|run| (run.value - mean).powi(2)).sum();
    (squares / runs.len().saturating_sub(1).max(1) as f64).sqrt()
}

/// `0.75 (0.71–0.78)`.
pub fn estimate(estimate: &Estimate) -> String {
    let [low, high] = estimate.interval;
    format!("{:.3} ({low:.3}–{high:.3})", estimate.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_share_is_not_rounded_away() {
        let said = [0.0, 0.0037, 0.01, 0.314, 0.989, 0.996, 1.0].map(percent);
        assert_eq!(said, ["0 %", "0.4 %", "1 %", "31 %", "99 %", "99.6 %", "100 %"]);
    }
}
