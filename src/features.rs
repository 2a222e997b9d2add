//! What the head sees of a picture, and in which order: the specification stands in the head's file,
//! so that a head can only ever be fed what it was trained on.

use serde::{Deserialize, Serialize};

use crate::clip::vision::ImageTokens;
use crate::{Error, Result};

mod view;

pub use view::View;

/// Which parts of what the towers give make the feature: image-level ones, then the text-level one, as in
/// arXiv 2404.12908, section 3. Each part is L2-normalised by itself, because the norms of class tokens
/// grow by a factor of ten from the first block to the last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeatureSpec {
    /// How the picture is looked at, in this order.
    pub views: Vec<View>,
    /// The projected embedding.
    pub embedding: bool,
    /// Blocks whose class token is taken, counted from 0.
    pub blocks: Vec<usize>,
    /// Blocks of which the mean of the patch tokens is taken: what is everywhere in the picture, where a class token is
    /// what the tower looked for. Heads that were made before this existed read none.
    #[serde(rename = "patchMeans", default, skip_serializing_if = "Vec::is_empty")]
    pub patch_means: Vec<usize>,
    /// The embedding of the picture's caption, and one number more that says whether there is one. A picture
    /// without a caption is a state of its own: all of this is zero.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub caption: bool,
}

/// The sizes of the towers that a feature depends on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TowerShape {
    /// Number of blocks.
    pub layers: usize,
    /// Width of a token.
    pub width: usize,
    /// Width of an embedding, of a picture or of a caption.
    pub projection: usize,
}

impl FeatureSpec {
    /// What a head reads where nobody says otherwise: both views, and three blocks, an early one, the middle one and a late
    /// one. In cross-validation over sources more blocks brought nothing, neighbours saying nearly the same, and a head's
    /// first layer grows with each.
    #[must_use]
    pub fn usual(tower: TowerShape) -> Self {
        let at = |sixths: usize| (sixths * tower.layers).div_ceil(6).checked_sub(1);
        let mut blocks: Vec<usize> = [1, 3, 5].into_iter().filter_map(at).collect();
        blocks.dedup();
        Self {
            views: vec![View::Whole, View::Detail],
            embedding: true,
            patch_means: blocks.clone(),
            blocks,
            caption: false,
        }
    }

    /// Length `d` of the feature: all views, then the caption's part.
    #[must_use]
    pub fn dimension(&self, tower: TowerShape) -> usize {
        self.image_dimension(tower) + self.caption_dimension(tower)
    }

    /// Length of the image-level part: all views.
    #[must_use]
    pub fn image_dimension(&self, tower: TowerShape) -> usize {
        self.views.len() * self.view_dimension(tower)
    }

    /// Length of the text-level part; 0 where captions are not read.
    #[must_use]
    pub fn caption_dimension(&self, tower: TowerShape) -> usize {
        if self.caption { caption_dimension(tower) } else { 0 }
    }

    /// Length of one view's part.
    fn view_dimension(&self, tower: TowerShape) -> usize {
        usize::from(self.embedding) * tower.projection + (self.blocks.len() + self.patch_means.len()) * tower.width
    }

    /// The image-level features of `n` pictures, `[n, image d]`: view by view, in each the embedding first, then the class
    /// tokens, then the means of patch tokens, both in the order that blocks are named in. `present` `[n, v]` says which views `tokens` holds; an absent one is all zeros,
    /// which no normalised part can be.
    ///
    /// # Errors
    /// [`Error::HeadFormat`] where a block does not exist in this tower.
    pub fn features(&self, tokens: &ImageTokens, present: &[bool], tower: TowerShape) -> Result<Vec<f32>> {
        if let Some(block) = self.blocks.iter().chain(&self.patch_means).find(|&&block| block >= tower.layers) {
            return Err(Error::HeadFormat { message: format!("it asks for block {block} of {}", tower.layers) });
        }
        let mut features = Vec::with_capacity(present.len() * self.view_dimension(tower));
        let mut seen = 0;
        for &present in present {
            if !present {
                features.resize(features.len() + self.view_dimension(tower), 0.0);
                continue;
            }
            if self.embedding {
                push_normalised(&mut features, row(&tokens.embedding, seen, tower.projection));
            }
            for (tokens, blocks) in [(&tokens.class_tokens, &self.blocks), (&tokens.patch_means, &self.patch_means)] {
                for &block in blocks {
                    push_normalised(&mut features, row(tokens, seen * tower.layers + block, tower.width));
                }
            }
            seen += 1;
        }
        Ok(features)
    }
}

/// Length of a caption's part: its embedding, and whether there is one.
#[must_use]
pub fn caption_dimension(tower: TowerShape) -> usize {
    tower.projection + 1
}

/// The text-level part of one picture, from the embedding of its caption `[projection]`, where it has one.
#[must_use]
pub fn caption_part(embedding: Option<&[f32]>, tower: TowerShape) -> Vec<f32> {
    let Some(embedding) = embedding else { return vec![0.0; caption_dimension(tower)] };
    let mut part = Vec::with_capacity(caption_dimension(tower));
    push_normalised(&mut part, embedding);
    part.push(1.0);
    part
}

fn row(values: &[f32], index: usize, width: usize) -> &[f32] {
    &values[index * width..(index + 1) * width]
}

/// Appends `part` scaled to length √width, so that each number is about 1, as BatchNorm likes it.
fn push_normalised(features: &mut Vec<f32>, part: &[f32]) {
    let norm = part.iter().map(|value| value * value).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    let scale = (part.len() as f32).sqrt() / norm;
    features.extend(part.iter().map(|value| value * scale));
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOWER: TowerShape = TowerShape { layers: 2, width: 2, projection: 1 };

    fn tokens() -> ImageTokens {
        ImageTokens {
            n: 2,
            embedding: vec![5.0, -7.0],
            class_tokens: vec![3.0, 4.0, 0.0, 1.0, 1.0, 0.0, 6.0, 8.0],
            patch_means: vec![0.0, 2.0, 7.0, 7.0, 4.0, 3.0, 7.0, 7.0],
        }
    }

    #[test]
    fn the_embedding_comes_first_and_each_part_has_unit_mean_square() {
        let spec = FeatureSpec {
            views: vec![View::Whole],
            embedding: true,
            blocks: vec![1],
            patch_means: vec![],
            caption: false,
        };
        let got = spec.features(&tokens(), &[true, true], TOWER).unwrap();
        let root = 2.0_f32.sqrt();
        let expected = [1.0, 0.0, root, -1.0, 0.6 * root, 0.8 * root];
        assert_eq!(got.len(), 2 * spec.dimension(TOWER));
        assert!(got.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?}");
    }

    #[test]
    fn usually_three_blocks_are_read() {
        let blocks = |layers| FeatureSpec::usual(TowerShape { layers, ..TOWER }).blocks;
        assert_eq!(blocks(12), [1, 5, 9]);
        assert_eq!(blocks(24), [3, 11, 19]);
        assert_eq!((blocks(0), blocks(1), blocks(2), blocks(3)), (vec![], vec![0], vec![0, 1], vec![0, 1, 2]));
    }

    #[test]
    fn means_of_patch_tokens_follow_the_class_tokens() {
        let spec = FeatureSpec {
            views: vec![View::Whole],
            embedding: true,
            blocks: vec![1],
            patch_means: vec![1, 0],
            caption: false,
        };
        let got = spec.features(&tokens(), &[true, true], TOWER).unwrap();
        let root = 2.0_f32.sqrt();
        let second = [-1.0, 0.6 * root, 0.8 * root, 1.0, 1.0, 0.8 * root, 0.6 * root];
        assert_eq!(got.len(), 2 * spec.dimension(TOWER));
        assert!(got[7..].iter().zip(second).all(|(a, b)| (a - b).abs() < 1e-6), "{got:?}");
    }

    #[test]
    fn a_caption_comes_last_and_none_is_a_state_of_its_own() {
        let spec = FeatureSpec {
            views: vec![View::Whole],
            embedding: true,
            blocks: vec![],
            patch_means: vec![],
            caption: true,
        };
        let tower = TowerShape { layers: 24, width: 1024, projection: 768 };
        assert_eq!(spec.dimension(tower), 1536 + 1, "the paper's feature for ViT-L/14, and whether there is a caption");
        let part = caption_part(Some(&[3.0, 4.0]), TowerShape { projection: 2, ..tower });
        let root = 2.0_f32.sqrt();
        assert!(part.iter().zip([0.6 * root, 0.8 * root, 1.0]).all(|(a, b)| (a - b).abs() < 1e-6), "{part:?}");
        assert_eq!(caption_part(None, TowerShape { projection: 2, ..tower }), [0.0; 3]);
    }

    #[test]
    fn a_specification_without_captions_and_means_is_written_as_it_always_was() {
        let json = r#"{"views":["whole"],"embedding":true,"blocks":[1]}"#;
        let spec: FeatureSpec = serde_json::from_str(json).unwrap();
        assert!(!spec.caption);
        assert_eq!(serde_json::to_string(&spec).unwrap(), json);
        let with_means = r#"{"views":["whole"],"embedding":true,"blocks":[],"patchMeans":[1]}"#;
        let spec: FeatureSpec = serde_json::from_str(with_means).unwrap();
        assert_eq!((serde_json::to_string(&spec).unwrap(), spec.dimension(TOWER)), (with_means.to_owned(), 1 + 2));
    }

    #[test]
    fn a_block_that_does_not_exist_is_refused() {
        let spec = |blocks, patch_means| FeatureSpec {
            views: vec![View::Whole],
            embedding: false,
            blocks,
            patch_means,
            caption: false,
        };
        for spec in [spec(vec![2], vec![]), spec(vec![0], vec![2])] {
            assert_eq!(spec.features(&tokens(), &[true, true], TOWER).unwrap_err().code(), "head-format");
        }
    }

    #[test]
    fn an_absent_view_is_zeros_and_shifts_nothing() {
        let spec = FeatureSpec {
            views: vec![View::Whole, View::Detail],
            embedding: true,
            blocks: vec![],
            patch_means: vec![],
            caption: false,
        };
        let got = spec.features(&tokens(), &[true, false, true, false], TOWER).unwrap();
        assert_eq!(got, [1.0, 0.0, -1.0, 0.0]);
    }
}
