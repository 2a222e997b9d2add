//! What a head that a training starts from knows of the pictures already. Held-out figures of a head that was led on
//! from one that had learnt from the same pictures would be of remembered ones: then the folds start afresh.

use std::collections::BTreeSet;

use super::Session;
use crate::head::{HeadFile, HeadInfo};
use crate::train::data::set::TrainingSet;
use crate::train::trainer::config::TrainConfig;

/// Characters of a picture's SHA-256 that stand in a head's file, 4 bits each.
const DIGITS: usize = 16;

/// What a base knows of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Known {
    /// Pictures that it learnt from.
    pictures: usize,
    /// Sources by whose names it learnt, sorted.
    sources: Vec<String>,
    /// Whether its file tells all pictures that it learnt from; heads of before do not.
    is_told: bool,
}

impl Known {
    /// What the head `base` knows of `set`.
    pub(super) fn of(set: &TrainingSet, base: &HeadInfo) -> Self {
        let (digests, names) = (base.picture_digests(), base.source_names());
        let sources = named_sources(set).into_iter().filter(|source| names.contains(&source.as_str())).collect();
        let is_known = |digest: &String| digests.contains(digest.as_str());
        let pictures = set.pictures.iter().filter_map(|picture| digest(&picture.facts.sha256));
        Self { pictures: pictures.filter(is_known).count(), sources, is_told: base.tells_pictures() }
    }

    /// Whether the folds may not start from it: it knows some of the pictures, or learnt from sources of the same
    /// names and does not tell from which pictures.
    pub(super) fn spoils_folds(&self) -> bool {
        self.pictures > 0 || (!self.is_told && !self.sources.is_empty())
    }

    /// What the folds were, after their number.
    pub(super) fn of_folds(&self) -> &'static str {
        if self.spoils_folds() {
            " that started afresh"
        } else if self.is_told {
            ""
        } else {
            " that started from a head which may know them"
        }
    }

    /// What a person should know of the held-out figures, a sentence or two.
    pub(super) fn warning(&self) -> Option<String> {
        let names = self.sources.join(", ");
        let afresh = "So the folds started afresh: figures and limits are of heads trained without that start.";
        Some(match (self.pictures, self.is_told) {
            (1.., _) => {
                format!("The head that this one started from knows {} of these pictures. {afresh}", self.pictures)
            }
            (0, false) if !names.is_empty() => format!(
                "The head that this one started from learnt from sources of the same names ({names}) and does not tell \
                 from which pictures. {afresh}"
            ),
            (0, false) => "The head that this one started from does not tell which pictures it learnt from. If these \
                           are among them, figures and limits are too good."
                .to_owned(),
            (0, true) if !names.is_empty() => format!(
                "The head that this one started from learnt from other pictures of sources of the same names ({names}): \
                 the figures are not of sources that are new to it."
            ),
            (0, true) => return None,
        })
    }
}

impl Session {
    /// What the present stage starts with. A fold that starts afresh is of the base's size all the same.
    pub(super) fn start(&self) -> (TrainConfig, Option<&HeadFile>) {
        let is_afresh = self.is_fold() && self.known.as_ref().is_some_and(Known::spoils_folds);
        let mut config = self.config.clone();
        match &self.base {
            Some(base) if is_afresh => {
                if let Some(first) = base.hidden.first() {
                    (config.layers, config.width) = (base.hidden.len(), first.bias.len());
                }
                (config, None)
            }
            base => (config, base.as_ref()),
        }
    }
}

/// The set's pictures as a head's file tells them, with those of its base; sorted, each once.
pub(super) fn digests(set: &TrainingSet, base: Option<&HeadInfo>) -> BTreeSet<String> {
    let own = set.pictures.iter().filter_map(|picture| digest(&picture.facts.sha256));
    let of_base = base.into_iter().flat_map(HeadInfo::picture_digests).map(str::to_owned);
    own.chain(of_base).collect()
}

/// Whether [`digests`] are all that the head has learnt from.
pub(super) fn are_all(set: &TrainingSet, base: Option<&HeadInfo>) -> bool {
    let own = set.pictures.iter().all(|picture| digest(&picture.facts.sha256).is_some());
    own && base.is_none_or(HeadInfo::tells_pictures)
}

/// The names of the set's sources, sorted, each once.
pub(super) fn named_sources(set: &TrainingSet) -> BTreeSet<String> {
    set.sources().into_iter().filter(|source| !source.is_empty()).collect()
}

/// The first digits of a picture's SHA-256: 64 bits, so that no two pictures share them by chance.
fn digest(sha256: &str) -> Option<String> {
    sha256.get(..DIGITS).map(str::to_owned)
}
