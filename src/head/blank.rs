//! The head of a model that has none yet. It says which features a head for this model will read, so that
//! pictures can be embedded and a head be trained; it judges nothing.

use super::file::HeadFile;
use super::info::{Calibration, FORMAT, Figures, HeadInfo, PackRef, Thresholds};
use crate::features::{FeatureSpec, TowerShape, View};

/// Most blocks whose class tokens make a feature. Of a deeper model they are spread evenly: neighbours say
/// nearly the same, and a head's first layer grows with each of them.
const BLOCKS: usize = 12;

impl HeadFile {
    /// A blank head for the model `pack` of this shape.
    #[must_use]
    pub fn blank(pack: PackRef, shape: TowerShape) -> Self {
        let features = FeatureSpec {
            views: vec![View::Whole, View::Detail],
            embedding: true,
            blocks: blocks(shape),
            patch_means: Vec::new(),
            caption: false,
        };
        let dimension = features.dimension(shape);
        let figures = Figures {
            source: String::new(),
            n: 0,
            auc: 0.5,
            auc_interval: [0.0, 1.0],
            real_called_generated: 0.0,
            generated_called_real: 0.0,
            unsure: 1.0,
        };
        let info = HeadInfo {
            format: FORMAT,
            id: String::new(),
            name: "no head yet".to_owned(),
            date: String::new(),
            pack,
            features,
            dimension,
            layers: 0,
            calibration: Calibration { scale: 1.0, shift: 0.0 },
            thresholds: Thresholds { real: 0.0, generated: 1.0 },
            operating_points: Vec::new(),
            operating_points_source: String::new(),
            training: serde_json::Value::Null,
            figures,
        };
        Self { info, hidden: Vec::new(), output_weight: vec![0.0; dimension], output_bias: 0.0 }
    }
}

impl HeadInfo {
    /// Whether this is [`HeadFile::blank`], which every head with a name of its own is not.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.id.is_empty()
    }
}

/// All blocks, or so many of them, evenly spread; the last one always.
fn blocks(shape: TowerShape) -> Vec<usize> {
    let n = shape.layers.min(BLOCKS);
    (1..=n).map(|at| (at * shape.layers).div_ceil(n) - 1).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Head;

    const fn shape(layers: usize) -> TowerShape {
        TowerShape { layers, width: 4, projection: 2 }
    }

    #[test]
    fn blocks_are_spread_and_end_with_the_last() {
        assert_eq!(blocks(shape(3)), [0, 1, 2]);
        assert_eq!(blocks(shape(12)), (0..12).collect::<Vec<_>>());
        assert_eq!(blocks(shape(24)), (0..12).map(|at| 2 * at + 1).collect::<Vec<_>>());
        let of_many = blocks(shape(32));
        assert_eq!((of_many.len(), of_many.last()), (BLOCKS, Some(&31)));
        assert!(of_many.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn it_is_a_head_like_any_other_but_says_that_it_is_blank() {
        let pack = PackRef { id: "model".to_owned(), sha256: "0".repeat(64) };
        let file = HeadFile::blank(pack.clone(), shape(3));
        let read = HeadFile::read(&file.write().unwrap()).unwrap();
        assert_eq!(read, file);
        assert!(read.info.is_blank());
        assert!(Head::new(&read).require(&pack.id, &pack.sha256, shape(3)).is_ok());
    }
}
