//! Both towers against transformers, at the true widths of ViT-B/16 and ViT-L/14 with random weights, from token ids
//! (`tokenizer/tests/captions.rs` makes those). `tests/reference_text.py` made the goldens. With `SAFELIGHT_TOWERS=FOLDER`
//! (made by `tests/reference_text.py full FOLDER`) the same comparison runs at full depth.
#![cfg(not(target_arch = "wasm32"))]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that panics has failed")]

mod common;

use std::path::Path;

use common::text;
use pollster::block_on;
use safelight::device::Device;

#[test]
fn the_towers_of_b16_agree_with_transformers() {
    block_on(text::compare(include_bytes!("golden/text/b16.safetensors"), &Device::cpu(), true));
}

#[test]
fn a_tiny_model_agrees_with_transformers() {
    block_on(text::compare(include_bytes!("golden/text/tiny.safetensors"), &Device::cpu(), true));
}

#[test]
fn the_towers_of_l14_agree_with_transformers() {
    block_on(text::compare(include_bytes!("golden/text/l14.safetensors"), &Device::cpu(), true));
}

#[test]
fn the_towers_agree_with_transformers_at_full_depth() {
    let Some(folder) = std::env::var_os("SAFELIGHT_TOWERS") else {
        eprintln!("SAFELIGHT_TOWERS is not set: the towers were compared at two blocks only");
        return;
    };
    for name in ["b16", "l14"] {
        let golden = std::fs::read(Path::new(&folder).join(format!("{name}.safetensors"))).unwrap();
        let cosines = block_on(text::compare(&golden, &Device::cpu(), true));
        eprintln!(
            "{name} at full depth: lowest cosine of the text tower {:.7}, of the image tower {:.7}",
            cosines[0], cosines[1]
        );
    }
}
