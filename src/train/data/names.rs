//! What names of folders mean.
//!
//! A name is compared without case and without what surrounds it of digits, `_`, `-` and spaces, so
//! `0_real`, `1_fake` and `AI-Generated` count too:
//!
//! | class | names |
//! |---|---|
//! | real | [`REAL`] |
//! | generated | [`GENERATED`] |
//! | none: what a split or a container is called | [`SPLITS`] |

/// Names of folders that say nothing about their pictures.
pub const SPLITS: [&str; 15] = [
    "train",
    "training",
    "val",
    "valid",
    "validation",
    "test",
    "testing",
    "dev",
    "eval",
    "data",
    "dataset",
    "images",
    "imgs",
    "pictures",
    "img",
];

/// Names of real pictures.
pub const REAL: [&str; 19] = [
    "real",
    "reals",
    "photo",
    "photos",
    "photograph",
    "photographs",
    "photography",
    "nature",
    "natural",
    "human",
    "authentic",
    "genuine",
    "camera",
    "original",
    "originals",
    "not ai",
    "non ai",
    "no ai",
    "not generated",
];

/// Names of generated pictures.
pub const GENERATED: [&str; 14] = [
    "ai",
    "fake",
    "fakes",
    "generated",
    "ai generated",
    "synthetic",
    "synth",
    "synthesized",
    "synthesised",
    "aigc",
    "artificial",
    "deepfake",
    "deepfakes",
    "diffusion",
];

/// The class that a name stands for: `true` is generated.
#[must_use]
pub fn class_of(name: &str) -> Option<bool> {
    let lower = name.to_lowercase();
    let words: Vec<&str> = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let is_number = |word: &&str| word.chars().all(|c| c.is_ascii_digit());
    // `0_real` and `real_2`, but not the bare `0` and `1`, which mean nothing as the name of a folder.
    let first = words.iter().take_while(|word| is_number(word)).count();
    let last = words.len() - words.iter().rev().take_while(|word| is_number(word)).count();
    let bare = words.get(first..last.max(first)).unwrap_or_default().join(" ");
    if REAL.contains(&bare.as_str()) {
        Some(false)
    } else if GENERATED.contains(&bare.as_str()) {
        Some(true)
    } else {
        None
    }
}

/// Whether a name says nothing.
#[must_use]
pub fn is_split(name: &str) -> bool {
    SPLITS.contains(&name.to_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_folders_are_understood() {
        for name in ["real", "REAL", "0_real", "Photos", "nature", "not-AI", "real 2"] {
            assert_eq!(class_of(name), Some(false), "{name}");
        }
        for name in ["ai", "1_fake", "AI-Generated", "Synthetic", "ai_generated"] {
            assert_eq!(class_of(name), Some(true), "{name}");
        }
        for name in ["", "0", "1", "cats", "fake-or-real", "paint", "réal"] {
            assert_eq!(class_of(name), None, "{name}");
        }
    }
}
