//! The one error type of the library. Every variant has a stable [`Error::code`], which the worker
//! protocol, the page and `safelight check --json` carry unchanged.

/// Everything that can go wrong, as a value. `Display` is a sentence a person can act on.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file has no bytes.
    #[error("The file is empty.")]
    PictureEmpty,

    /// The bytes begin like no picture format that Safelight knows.
    #[error("This is not a picture that can be read here: {found}.")]
    PictureFormat {
        /// What the first bytes look like, or `"unknown content"`.
        found: String,
    },

    /// The file is longer than [`crate::picture::Limits::bytes`].
    #[error("The file has {bytes} bytes; at most {limit} can be checked.")]
    PictureBytes {
        /// Length of the file.
        bytes: u64,
        /// The limit it exceeds.
        limit: u64,
    },

    /// The header announces more pixels than [`crate::picture::Limits::pixels`]; nothing was allocated for them.
    #[error("The picture says it is {width} × {height} pixels; at most {limit} pixels can be checked.")]
    PicturePixels {
        /// Width in the header, in pixels.
        width: u64,
        /// Height in the header, in pixels.
        height: u64,
        /// The limit on their product.
        limit: u64,
    },

    /// The picture begins well but cannot be decoded to its end.
    #[error("The {format} picture is damaged or cut off: {message}.")]
    PictureDamaged {
        /// Name of the format, as people write it (`JPEG`).
        format: &'static str,
        /// The decoder's own words.
        message: String,
    },

    /// `pack.json` is not a manifest this version understands.
    #[error("The model pack's manifest cannot be used: {message}.")]
    PackManifest {
        /// What is wrong with it.
        message: String,
    },

    /// A file of the pack is not the one that the manifest names.
    #[error("The model file {file} is not the one that was published (SHA-256 {got}, expected {expected}).")]
    PackHash {
        /// File name inside the pack.
        file: String,
        /// Hexadecimal digest in the manifest.
        expected: String,
        /// Hexadecimal digest of the bytes.
        got: String,
    },

    /// A file of the pack is shorter or longer than the manifest says.
    #[error("The model file {file} has {got} bytes instead of {expected}.")]
    PackLength {
        /// File name inside the pack.
        file: String,
        /// Length in the manifest, in bytes.
        expected: u64,
        /// Length that arrived, in bytes.
        got: u64,
    },

    /// The safetensors header of a weight file or a head cannot be read.
    #[error("The weights of {file} cannot be read: {message}.")]
    WeightsHeader {
        /// File name.
        file: String,
        /// What is wrong with it.
        message: String,
    },

    /// A tensor that the architecture needs is absent.
    #[error("The weights lack the tensor {name}.")]
    TensorMissing {
        /// Hugging Face's name of the tensor.
        name: String,
    },

    /// A tensor that the architecture does not know is present.
    #[error("The weights hold a tensor that does not belong to the model: {name}.")]
    TensorUnexpected {
        /// Its name.
        name: String,
    },

    /// A tensor has another shape than the architecture needs.
    #[error("The tensor {name} has shape {got:?} instead of {expected:?}.")]
    TensorShape {
        /// Hugging Face's name of the tensor.
        name: String,
        /// Shape that the configuration asks for.
        expected: Vec<usize>,
        /// Shape in the file.
        got: Vec<usize>,
    },

    /// A tensor has a number type that weights cannot have.
    #[error("The tensor {name} has the number type {got}, which weights cannot have.")]
    TensorType {
        /// Name of the tensor.
        name: String,
        /// Its type in the file.
        got: String,
    },

    /// A tensor, or a result computed from it, holds NaN or infinity.
    #[error("{name} holds a value that is not a finite number.")]
    NotFinite {
        /// Name of the tensor or of the stage.
        name: String,
    },

    /// `tokenizer.json` cannot be used, or cannot split a text.
    #[error("The tokenizer cannot be used: {message}.")]
    Tokenizer {
        /// What is wrong.
        message: String,
    },

    /// A tokenizer was made for another vocabulary than the model's text tower has.
    #[error("The tokenizer knows {got} tokens and the model's text tower {expected}: they do not belong together.")]
    TokenizerMismatch {
        /// Rows of the text tower's token table.
        expected: usize,
        /// Tokens of the tokenizer.
        got: usize,
    },

    /// A caption is to be read and the model cannot: its pack has no text tower, or no tokenizer was given.
    #[error("This model cannot read captions: {message}.")]
    CaptionUnreadable {
        /// What it lacks.
        message: String,
    },

    /// The head file cannot be used.
    #[error("The head cannot be used: {message}.")]
    HeadFormat {
        /// What is wrong with it.
        message: String,
    },

    /// The head was trained on features of another model.
    #[error("The head was trained for the model {wanted}; the loaded model is {loaded}.")]
    HeadMismatch {
        /// Pack identity in the head's metadata.
        wanted: String,
        /// Pack identity of the loaded model.
        loaded: String,
    },

    /// The head was not measured at the false-positive rate that was asked for.
    #[error("At {wanted} false positives this head was not measured. It was at: {measured}.")]
    OperatingPoint {
        /// What was asked for, in per cent.
        wanted: String,
        /// What there is.
        measured: String,
    },

    /// The model has no head, so nothing can be judged with it yet.
    #[error("This model has no head yet. Train one for it, or import one that was trained for it.")]
    HeadNone,

    /// WebGPU was asked for and cannot be used.
    #[error("The GPU cannot be used: {reason}.")]
    GpuUnavailable {
        /// Why not.
        reason: String,
    },

    /// The device was lost, or failed, while it was computing.
    #[error("The {device} failed while it was computing: {message}.")]
    DeviceFailed {
        /// `"GPU"` or `"CPU"`.
        device: &'static str,
        /// The runtime's own words.
        message: String,
    },

    /// The person stopped the work.
    #[error("Stopped.")]
    Cancelled,

    /// A training set that nothing can be learnt from.
    #[error("This training set cannot be used: {message}.")]
    TrainingSet {
        /// What it lacks.
        message: String,
    },

    /// A hyper-parameter that training cannot be done with.
    #[error("The training cannot be done like this: {message}.")]
    TrainConfig {
        /// Which one, and its range.
        message: String,
    },

    /// A saved training that cannot be gone on with.
    #[error("The saved training cannot be gone on with: {message}.")]
    TrainState {
        /// What is wrong with it.
        message: String,
    },

    /// Something could not be fetched (native only; the page has its own).
    #[error("{what} could not be fetched: {message}. What has arrived is kept; the same command goes on from there.")]
    Network {
        /// Which file.
        what: String,
        /// What went wrong.
        message: String,
    },

    /// A file could not be read or written (native only).
    #[error("{path}: {message}.")]
    File {
        /// Path as it was given.
        path: String,
        /// The system's own words.
        message: String,
    },
}

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// The stable name of this kind of error, for programs. Never translated, never reused.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::PictureEmpty => "picture-empty",
            Self::PictureFormat { .. } => "picture-format",
            Self::PictureBytes { .. } => "picture-bytes",
            Self::PicturePixels { .. } => "picture-pixels",
            Self::PictureDamaged { .. } => "picture-damaged",
            Self::PackManifest { .. } => "pack-manifest",
            Self::PackHash { .. } => "pack-hash",
            Self::PackLength { .. } => "pack-length",
            Self::WeightsHeader { .. } => "weights-header",
            Self::TensorMissing { .. } => "tensor-missing",
            Self::TensorUnexpected { .. } => "tensor-unexpected",
            Self::TensorShape { .. } => "tensor-shape",
            Self::TensorType { .. } => "tensor-type",
            Self::NotFinite { .. } => "not-finite",
            Self::Tokenizer { .. } => "tokenizer",
            Self::TokenizerMismatch { .. } => "tokenizer-mismatch",
            Self::CaptionUnreadable { .. } => "caption-unreadable",
            Self::HeadFormat { .. } => "head-format",
            Self::HeadMismatch { .. } => "head-mismatch",
            Self::OperatingPoint { .. } => "operating-point",
            Self::HeadNone => "head-none",
            Self::GpuUnavailable { .. } => "gpu-unavailable",
            Self::DeviceFailed { .. } => "device-failed",
            Self::Cancelled => "cancelled",
            Self::TrainingSet { .. } => "training-set",
            Self::TrainConfig { .. } => "train-config",
            Self::TrainState { .. } => "train-state",
            Self::Network { .. } => "network",
            Self::File { .. } => "file",
        }
    }
}
