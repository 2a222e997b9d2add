//! The part of the ONNX format that holds weights.
//!
//! Field numbers are those of `onnx.proto3`; everything that is not named here is skipped.

use std::collections::HashMap;

use anyhow::{Context, Result, bail, ensure};
use prost::Message;
use prost::bytes::Bytes;

/// `TensorProto.DataType`: the two that a quantised CLIP uses.
const FLOAT: i32 = 1;
const INT8: i32 = 3;

#[derive(Clone, PartialEq, Message)]
struct ModelProto {
    #[prost(message, optional, tag = "7")]
    graph: Option<GraphProto>,
}

#[derive(Clone, PartialEq, Message)]
struct GraphProto {
    #[prost(message, repeated, tag = "1")]
    node: Vec<Node>,
    #[prost(message, repeated, tag = "5")]
    initializer: Vec<TensorProto>,
}

/// One operation of the graph.
#[derive(Clone, PartialEq, Message)]
pub struct Node {
    /// Names of its operands.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Its path in the exported module, as `/vision_model/encoder/layers.0/mlp/fc1/MatMul_quant`.
    #[prost(string, tag = "3")]
    pub name: String,
    /// Its operator, as `MatMulInteger`.
    #[prost(string, tag = "4")]
    pub op_type: String,
}

#[derive(Clone, PartialEq, Message)]
struct TensorProto {
    #[prost(int64, repeated, tag = "1")]
    dims: Vec<i64>,
    #[prost(int32, tag = "2")]
    data_type: i32,
    #[prost(float, repeated, tag = "4")]
    float_data: Vec<f32>,
    #[prost(int32, repeated, tag = "5")]
    int32_data: Vec<i32>,
    #[prost(string, tag = "8")]
    name: String,
    #[prost(bytes = "bytes", tag = "9")]
    raw_data: Bytes,
}

/// A constant of the graph, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values.
    pub data: Data,
}

/// Values of a [`Tensor`].
#[derive(Debug, Clone, PartialEq)]
pub enum Data {
    /// `FLOAT`
    F32(Vec<f32>),
    /// `INT8`
    I8(Vec<i8>),
}

/// A graph's operations and its named constants.
#[derive(Debug)]
pub struct Graph {
    /// In the file's order.
    pub nodes: Vec<Node>,
    /// By name.
    pub constants: HashMap<String, Tensor>,
}

impl Graph {
    /// Decodes an ONNX file; an error names the constant that is not what it claims to be.
    pub fn decode(file: Vec<u8>) -> Result<Self> {
        let model = ModelProto::decode(Bytes::from(file)).context("the file is not ONNX")?;
        let graph = model.graph.context("the ONNX file has no graph")?;
        let mut constants = HashMap::with_capacity(graph.initializer.len());
        for proto in graph.initializer {
            let name = proto.name.clone();
            let tensor = Tensor::new(proto).with_context(|| format!("constant {name}"))?;
            ensure!(constants.insert(name.clone(), tensor).is_none(), "constant {name} occurs twice");
        }
        Ok(Self { nodes: graph.node, constants })
    }
}

impl Tensor {
    fn new(proto: TensorProto) -> Result<Self> {
        let shape = (proto.dims.iter())
            .map(|&dim| usize::try_from(dim).with_context(|| format!("dimension {dim}")))
            .collect::<Result<Vec<_>>>()?;
        // A small tensor lies in the field of its type, a large one in `raw_data`, little-endian.
        let raw = &proto.raw_data;
        let data = match proto.data_type {
            FLOAT if raw.is_empty() => Data::F32(proto.float_data),
            FLOAT => {
                let (values, rest) = raw.as_chunks::<4>();
                ensure!(rest.is_empty(), "{} bytes are no float32 values", raw.len());
                Data::F32(values.iter().map(|&value| f32::from_le_bytes(value)).collect())
            }
            INT8 if raw.is_empty() => {
                Data::I8((proto.int32_data.into_iter()).map(i8::try_from).collect::<Result<_, _>>()?)
            }
            INT8 => Data::I8(raw.iter().map(|&byte| byte.cast_signed()).collect()),
            other => bail!("unexpected ONNX data type {other}"),
        };
        let (expected, got) = (shape.iter().product::<usize>(), data.len());
        ensure!(expected == got, "shape {shape:?} with {got} values");
        Ok(Self { shape, data })
    }
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::F32(values) => values.len(),
            Self::I8(values) => values.len(),
        }
    }
}

#[cfg(test)]
pub mod tests {
    //! Small ONNX files for the tests of this command.

    use prost::Message;

    use super::{FLOAT, GraphProto, INT8, ModelProto, Node, TensorProto};

    /// A constant to be written; int8 and float values in `raw_data`.
    pub struct Constant {
        pub name: String,
        pub shape: Vec<usize>,
        pub floats: Vec<f32>,
        pub bytes: Vec<u8>,
    }

    impl Constant {
        /// All 0.5.
        pub fn float(name: &str, shape: &[usize]) -> Self {
            let floats = vec![0.5; shape.iter().product()];
            Self { name: name.into(), shape: shape.into(), floats, bytes: Vec::new() }
        }

        /// 0, 1, 2, …
        pub fn int8(name: &str, shape: &[usize]) -> Self {
            let bytes = (0..).take(shape.iter().product()).collect();
            Self { name: name.into(), shape: shape.into(), floats: Vec::new(), bytes }
        }

        /// A zero point.
        pub fn zeros(name: &str, length: usize) -> Self {
            Self { name: name.into(), shape: vec![length], floats: Vec::new(), bytes: vec![0; length] }
        }

        fn proto(&self) -> TensorProto {
            let is_float = self.bytes.is_empty();
            TensorProto {
                dims: self.shape.iter().map(|&dim| i64::try_from(dim).unwrap_or_default()).collect(),
                data_type: if is_float { FLOAT } else { INT8 },
                float_data: self.floats.clone(),
                name: self.name.clone(),
                raw_data: self.bytes.clone().into(),
                ..TensorProto::default()
            }
        }
    }

    /// An ONNX file of `constants` and of quantised products, each a node name and the base name of its weight.
    pub fn model(constants: &[Constant], products: &[(String, String)]) -> Vec<u8> {
        let node = |(name, base): &(String, String)| Node {
            input: vec!["x".into(), format!("{base}_quantized"), "x_zero_point".into(), format!("{base}_zero_point")],
            name: name.clone(),
            op_type: "MatMulInteger".into(),
        };
        let graph = GraphProto {
            node: products.iter().map(node).collect(),
            initializer: constants.iter().map(Constant::proto).collect(),
        };
        ModelProto { graph: Some(graph) }.encode_to_vec()
    }
}
