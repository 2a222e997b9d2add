//! The TypeScript types of what crosses the boundary. They mirror the `Serialize` structs of
//! `detector`, `device` and `head`; the worker's protocol imports them from the generated file.

#[cfg(feature = "train")]
pub mod training;

use serde::Serialize;
use wasm_bindgen::prelude::*;

#[wasm_bindgen(typescript_custom_section)]
const TYPES: &str = r#"
/** Which device to compute on; `auto` takes a hardware GPU where it can be used, else the CPU. */
export type DevicePreference = "auto" | "gpu" | "cpu";

/** Told of every finished block; returns false to stop. */
export type Observe = (done: number, total: number) => boolean;

/** Where the detector computes. */
export interface DeviceInfo {
  kind: "gpu" | "cpu";
  name: string;
  /** Why the GPU is not used, where one was wanted. */
  fallback: string | null;
  /** The test against the CPU at start, where the device is a GPU. */
  selfTest: { maxDifference: number } | null;
}

/** What the head reached on pictures of sources it never saw. */
export interface HeadFigures {
  source: string;
  n: number;
  auc: number;
  aucInterval: [number, number];
  realCalledGenerated: number;
  generatedCalledReal: number;
  unsure: number;
}

/** A limit of "likely generated", measured on held-out pictures; rates are 0…1. */
export interface OperatingPoint {
  falsePositiveRate: number;
  threshold: number;
  truePositiveRate: number;
}

export interface DetectorInfo {
  device: DeviceInfo;
  /** `text`: it has a text tower; `tokenizer`: what captions need besides is loaded. */
  pack: { id: string; name: string; sha256: string; text: boolean; tokenizer: boolean };
  head: {
    id: string;
    name: string;
    trained: string;
    /** It reads captions. */
    captions: boolean;
    /** The model has none yet, and this only stands in for it. */
    blank: boolean;
    thresholds: { real: number; generated: number };
    operatingPoints: OperatingPoint[];
    /** Which pictures those were measured on, in words. */
    operatingPointsSource: string;
    figures: HeadFigures;
  };
}

export interface Verdict {
  label: "generated" | "real" | "unsure";
  /** Calibrated probability of being generated, 0…1. */
  probability: number;
  /** At most `real` is called real, at least `generated` is called generated. */
  thresholds: { real: number; generated: number };
  picture: { width: number; height: number; format: string };
  /** How the picture was looked at, in words. */
  views: string[];
  /** The head read a caption; it reads captions and there was none; it reads none. */
  caption: "used" | "missing" | "unread";
  device: DeviceInfo;
  /** Milliseconds spent in each stage. */
  ms: { decode: number; pixels: number; clip: number; head: number };
}

/** What every method throws. */
export interface SafelightError extends Error {
  code: string;
}
"#;

#[wasm_bindgen]
extern "C" {
    /// `DetectorInfo` in TypeScript.
    #[wasm_bindgen(typescript_type = "DetectorInfo")]
    pub type JsDetectorInfo;

    /// `Verdict` in TypeScript.
    #[wasm_bindgen(typescript_type = "Verdict")]
    pub type JsVerdict;
}

/// A struct as a plain JavaScript object; absent options are `null`.
pub fn to_js<T: Serialize, J: JsCast>(value: &T) -> Result<J, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::json_compatible();
    Ok(value.serialize(&serializer)?.unchecked_into())
}
