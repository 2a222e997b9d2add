//! From the exporter's graph to Hugging Face's tensors.
//!
//! | in the graph | in the pack |
//! |---|---|
//! | constant `vision_model.….bias`, float32 | the same name, F32 |
//! | `MatMulInteger` named `/vision_model/…/fc1/MatMul_quant`, constant `X_quantized` [in, out] int8 | `vision_model.….fc1.weight` [out, in] I8 |
//! | constant `X_scale` [out] | `vision_model.….fc1.weight.scale` [out] F32 |
//! | constant `X_zero_point` [out] | none: all zero |

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};

use super::catalog::Vision;
use super::onnx::{Data, Graph, Tensor};

/// Tensors of a pack under Hugging Face's names.
pub type Tensors = BTreeMap<String, Tensor>;

/// The tensors that an image tower consists of, with their shapes; `true` marks the weight of a linear layer [out, in].
fn expected(vision: &Vision) -> BTreeMap<String, (Vec<usize>, bool)> {
    let &Vision { width, mlp, patch_size, projection, .. } = vision;
    let mut all = BTreeMap::new();
    let mut float = |name: String, shape: &[usize]| {
        all.insert(name, (shape.to_vec(), false));
    };
    let embeddings = "vision_model.embeddings";
    float(format!("{embeddings}.class_embedding"), &[width]);
    float(format!("{embeddings}.patch_embedding.weight"), &[width, 3, patch_size, patch_size]);
    float(format!("{embeddings}.position_embedding.weight"), &[vision.tokens(), width]);
    let block = |layer| format!("vision_model.encoder.layers.{layer}");
    let norms = (0..vision.layers)
        .flat_map(|layer| ["layer_norm1", "layer_norm2"].map(|norm| format!("{}.{norm}", block(layer))))
        // Hugging Face's key is really spelled so.
        .chain(["vision_model.pre_layrnorm".into(), "vision_model.post_layernorm".into()]);
    for norm in norms {
        float(format!("{norm}.weight"), &[width]);
        float(format!("{norm}.bias"), &[width]);
    }
    let linears: Vec<_> = (0..vision.layers)
        .flat_map(|layer| {
            [
                ("self_attn.q_proj", width, width),
                ("self_attn.k_proj", width, width),
                ("self_attn.v_proj", width, width),
                ("self_attn.out_proj", width, width),
                ("mlp.fc1", mlp, width),
                ("mlp.fc2", width, mlp),
            ]
            .map(|(name, outputs, inputs)| (format!("{}.{name}", block(layer)), outputs, inputs))
        })
        .collect();
    for (name, outputs, _) in &linears {
        float(format!("{name}.bias"), &[*outputs]);
    }
    for (name, outputs, inputs) in linears {
        all.insert(format!("{name}.weight"), (vec![outputs, inputs], true));
    }
    all.insert("visual_projection.weight".into(), (vec![projection, width], true));
    all
}

/// Takes every constant out of `graph` and checks that together they are exactly the tower that `vision` describes.
///
/// An error names the first tensor that is missing, left over, misshapen, not symmetric or not finite.
pub fn image_tower(mut graph: Graph, vision: &Vision) -> Result<Tensors> {
    let mut tensors = Tensors::new();
    for node in graph.nodes.iter().filter(|node| node.op_type == "MatMulInteger") {
        let [_, quantised, _, zero_point] = node.input.as_slice() else {
            bail!("{} has {} operands, expected 4", node.name, node.input.len());
        };
        let base = quantised.strip_suffix("_quantized").with_context(|| format!("weight {quantised}"))?;
        let mut take = |name: &str| {
            let constant = graph.constants.remove(name);
            constant.with_context(|| format!("constant {name} of {} is missing or used twice", node.name))
        };
        let weight = transposed(&take(quantised)?).with_context(|| node.name.clone())?;
        let Data::I8(zeros) = take(zero_point)?.data else {
            bail!("the zero point of {} is not int8", node.name);
        };
        ensure!(zeros.iter().all(|&zero| zero == 0), "{} is not quantised symmetrically", node.name);
        let path = (node.name.strip_prefix('/'))
            .and_then(|name| name.strip_suffix("/MatMul_quant"))
            .with_context(|| format!("operation {} has an unknown place", node.name))?;
        let name = format!("{}.weight", path.replace('/', "."));
        let scale = take(&format!("{base}_scale"))?;
        ensure!(scale.shape == weight.shape[..1], "{name}: scales of shape {:?}", scale.shape);
        tensors.insert(format!("{name}.scale"), scale);
        tensors.insert(name, weight);
    }
    for (name, tensor) in graph.constants {
        ensure!(!tensors.contains_key(&name), "tensor {name} occurs twice");
        tensors.insert(name, tensor);
    }
    check(&tensors, vision)?;
    Ok(tensors)
}

/// [in, out] int8 → [out, in].
fn transposed(weight: &Tensor) -> Result<Tensor> {
    let (&[inputs, outputs], Data::I8(values)) = (weight.shape.as_slice(), &weight.data) else {
        bail!("the weight is not an int8 matrix");
    };
    let columns = (0..outputs).flat_map(|column| values[column..].iter().step_by(outputs));
    Ok(Tensor { shape: vec![outputs, inputs], data: Data::I8(columns.copied().collect()) })
}

fn check(tensors: &Tensors, vision: &Vision) -> Result<()> {
    let expected = expected(vision);
    for (name, (shape, linear)) in &expected {
        let tensor = tensors.get(name).with_context(|| format!("tensor {name} is missing"))?;
        ensure!(tensor.shape == *shape, "tensor {name} is {:?}, expected {shape:?}", tensor.shape);
        ensure!(matches!(tensor.data, Data::I8(_)) == *linear, "tensor {name} has the wrong type");
        ensure!(!linear || tensors.contains_key(&format!("{name}.scale")), "tensor {name} has no scale");
    }
    for (name, tensor) in tensors {
        let known = expected.contains_key(name)
            || (name.strip_suffix(".scale"))
                .is_some_and(|weight| expected.get(weight).is_some_and(|(_, linear)| *linear));
        ensure!(known, "tensor {name} is not part of the image tower");
        if let Data::F32(values) = &tensor.data {
            ensure!(values.iter().all(|value| value.is_finite()), "tensor {name} is not finite");
        }
    }
    Ok(())
}
