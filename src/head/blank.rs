//! The head of a model that has none yet. It says which features a head for this model will read, so that
//! pictures can be embedded and a head be trained; it judges nothing.

use super::file::HeadFile;
use super::info::{Calibration, FORMAT, Figures, HeadInfo, PackRef, Thresholds};
use crate::features::{FeatureSpec, TowerShape};

impl HeadFile {
    /// A blank head for the model `pack` of this shape.
    #[must_use]
    pub fn blank(pack: PackRef, shape: TowerShape) -> Self {
        let features = FeatureSpec::usual(shape);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::head::Head;

    const fn shape(layers: usize) -> TowerShape {
        TowerShape { layers, width: 4, projection: 2 }
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
