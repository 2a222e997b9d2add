//! Hugging Face's `config.json` of a `CLIPModel`, as far as the towers depend on it. What a file leaves out
//! has transformers' default (`CLIPConfig`, `CLIPTextConfig`, `CLIPVisionConfig`, transformers 4.57).

use serde::Deserialize;

use crate::clip::config::{ClipConfig, TextConfig, VisionConfig};
use crate::{Error, Result};

/// ε of every layer norm here, and transformers' default.
const EPSILON: f64 = 1e-5;

/// What old configurations name as their end token, OpenAI's among them, though it is another: transformers then takes the
/// highest id (`CLIPTextTransformer.forward`).
const LEGACY_END: u32 = 2;

#[derive(Deserialize)]
struct Checkpoint {
    model_type: String,
    #[serde(default = "defaults::projection")]
    projection_dim: usize,
    #[serde(default)]
    text_config: Text,
    #[serde(default)]
    vision_config: Vision,
}

#[derive(Deserialize)]
#[serde(default)]
struct Text {
    vocab_size: usize,
    max_position_embeddings: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: String,
    layer_norm_eps: f64,
    eos_token_id: u32,
}

#[derive(Deserialize)]
#[serde(default)]
struct Vision {
    image_size: usize,
    patch_size: usize,
    num_channels: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    intermediate_size: usize,
    hidden_act: String,
    layer_norm_eps: f64,
}

mod defaults {
    pub(super) fn projection() -> usize {
        512
    }

    pub(super) fn activation() -> String {
        "quick_gelu".to_owned()
    }
}

impl Default for Text {
    fn default() -> Self {
        Self {
            vocab_size: 49_408,
            max_position_embeddings: 77,
            hidden_size: 512,
            num_hidden_layers: 12,
            num_attention_heads: 8,
            intermediate_size: 2_048,
            hidden_act: defaults::activation(),
            layer_norm_eps: EPSILON,
            eos_token_id: 49_407,
        }
    }
}

impl Default for Vision {
    fn default() -> Self {
        Self {
            image_size: 224,
            patch_size: 32,
            num_channels: 3,
            hidden_size: 768,
            num_hidden_layers: 12,
            num_attention_heads: 12,
            intermediate_size: 3_072,
            hidden_act: defaults::activation(),
            layer_norm_eps: EPSILON,
        }
    }
}

/// The shape of the model that `config.json` (its text) describes.
///
/// # Errors
/// [`Error::PackManifest`] where it is no `CLIPModel`, or one that computes what the towers here do not.
pub fn read_config(json: &str) -> Result<ClipConfig> {
    let read: Checkpoint = serde_json::from_str(json).map_err(|error| refuse(&error.to_string()))?;
    if read.model_type != "clip" {
        return Err(refuse(&format!("it describes a model of the type “{}”, not “clip”", read.model_type)));
    }
    let Checkpoint { text_config: text, vision_config: vision, projection_dim: projection, .. } = read;
    for (tower, activation, epsilon) in
        [("text", &text.hidden_act, text.layer_norm_eps), ("image", &vision.hidden_act, vision.layer_norm_eps)]
    {
        if activation != "quick_gelu" {
            return Err(refuse(&format!("its {tower} tower uses {activation}; only quick_gelu can be computed here")));
        }
        if (epsilon - EPSILON).abs() > 1e-9 {
            return Err(refuse(&format!(
                "its {tower} tower normalises with ε {epsilon}; only 1e-5 can be computed here"
            )));
        }
    }
    if vision.num_channels != 3 {
        return Err(refuse(&format!("its pictures have {} channels instead of 3", vision.num_channels)));
    }
    let config = ClipConfig {
        vision: VisionConfig {
            image_size: vision.image_size,
            patch_size: vision.patch_size,
            width: vision.hidden_size,
            layers: vision.num_hidden_layers,
            heads: vision.num_attention_heads,
            mlp: vision.intermediate_size,
            projection,
        },
        text: Some(TextConfig {
            vocabulary: text.vocab_size,
            context: text.max_position_embeddings,
            width: text.hidden_size,
            layers: text.num_hidden_layers,
            heads: text.num_attention_heads,
            mlp: text.intermediate_size,
            projection,
            end: (text.eos_token_id != LEGACY_END).then_some(text.eos_token_id),
        }),
    };
    config.validate()?;
    Ok(config)
}

fn refuse(message: &str) -> Error {
    Error::PackManifest { message: format!("config.json: {message}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_transformers_default() {
        let config = read_config(r#"{"model_type": "clip", "vision_config": {"patch_size": 16}}"#).unwrap();
        assert_eq!((config.vision.tokens(), config.vision.width, config.vision.projection), (197, 768, 512));
        let text = config.text.unwrap();
        assert_eq!((text.vocabulary, text.context, text.width, text.heads), (49_408, 77, 512, 8));
    }

    #[test]
    fn the_end_token_is_the_one_that_is_named_unless_the_name_is_the_old_one() {
        let end = |text: &str| {
            let json = format!(r#"{{"model_type": "clip", "text_config": {text}}}"#);
            read_config(&json).map(|config| config.text.unwrap().end)
        };
        assert_eq!(end("{}").unwrap(), Some(49_407));
        assert_eq!(end(r#"{"eos_token_id": 2}"#).unwrap(), None);
        assert_eq!(end(r#"{"eos_token_id": 7, "vocab_size": 10}"#).unwrap(), Some(7));
        let beyond = end(r#"{"eos_token_id": 10, "vocab_size": 10}"#).unwrap_err();
        assert!(beyond.to_string().contains("end-of-text token"), "{beyond}");
    }

    #[test]
    fn a_model_that_computes_something_else_is_refused() {
        for (json, word) in [
            (r#"{"model_type": "siglip"}"#, "siglip"),
            (r#"{"model_type": "clip", "text_config": {"hidden_act": "gelu"}}"#, "text tower uses gelu"),
            (r#"{"model_type": "clip", "vision_config": {"layer_norm_eps": 1e-6}}"#, "0.000001"),
            (r#"{"model_type": "clip", "vision_config": {"num_channels": 1}}"#, "1 channels"),
            (r#"{"model_type": "clip", "vision_config": {"hidden_size": 770}}"#, "heads"),
            (r#"{"model_type": "clip", "vision_config": {"patch_size": 7}}"#, "odd"),
            (r"[]", "config.json"),
        ] {
            let error = read_config(json).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }
}
