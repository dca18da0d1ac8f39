// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "io/exported/known_operator.h"

#include <ATen/core/enum_tag.h>
#include <ATen/core/jit_type.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <unordered_set>

namespace polytask::io::detail {

namespace {

using namespace std::string_view_literals;

constexpr auto kOfTorch = "torch.ops."sv;

// Those of LibTorch's insides that torch.export writes. The others take much
// on trust, such as sizes and indices.
bool is_exported_inside(std::string_view name) {
  static const std::unordered_set<std::string_view> known = {
      "_adaptive_avg_pool2d",
      "_adaptive_avg_pool3d",
      "_addmm_activation",
      "_assert_async",
      "_assert_scalar",
      "_assert_tensor_metadata",
      "_cast_Byte",
      "_cast_Char",
      "_cast_Double",
      "_cast_Float",
      "_cast_Half",
      "_cast_Int",
      "_cast_Long",
      "_cast_Short",
      "_cdist_forward",
      "_conj",
      "_conj_copy",
      "_conj_physical",
      "_convolution",
      "_embedding_bag",
      "_embedding_bag_forward_only",
      "_euclidean_dist",
      "_fft_c2c",
      "_fft_c2r",
      "_fft_r2c",
      "_functional_assert_async",
      "_functional_assert_scalar",
      "_functional_sym_constrain_range",
      "_functional_sym_constrain_range_for_size",
      "_fused_rms_norm",
      "_is_all_true",
      "_is_any_true",
      "_linalg_check_errors",
      "_linalg_det",
      "_linalg_eigh",
      "_linalg_eigvals",
      "_linalg_slogdet",
      "_linalg_solve_ex",
      "_linalg_svd",
      "_local_scalar_dense",
      "_log_softmax",
      "_logcumsumexp",
      "_native_batch_norm_legit",
      "_native_batch_norm_legit_functional",
      "_native_batch_norm_legit_no_training",
      "_native_multi_head_attention",
      "_neg_view",
      "_neg_view_copy",
      "_pack_padded_sequence",
      "_pad_packed_sequence",
      "_pad_circular",
      "_pad_enum",
      "_pdist_forward",
      "_prelu_kernel",
      "_reshape_copy",
      "_safe_softmax",
      "_sample_dirichlet",
      "_scaled_dot_product_attention_math",
      "_scaled_dot_product_cudnn_attention",
      "_scaled_dot_product_efficient_attention",
      "_scaled_dot_product_flash_attention",
      "_scaled_dot_product_flash_attention_for_cpu",
      "_shape_as_tensor",
      "_softmax",
      "_stack",
      "_standard_gamma",
      "_to_copy",
      "_transformer_encoder_layer_fwd",
      "_trilinear",
      "_unique",
      "_unique2",
      "_unsafe_index",
      "_unsafe_index_put",
      "_unsafe_masked_index",
      "_unsafe_masked_index_put_accumulate",
      "_unsafe_view",
      "_upsample_bicubic2d_aa",
      "_upsample_bilinear2d_aa",
      "_upsample_lanczos2d_aa",
      "_upsample_nearest_exact1d",
      "_upsample_nearest_exact2d",
      "_upsample_nearest_exact3d",
      "_weight_norm",
      "_weight_norm_interface"};
  return known.count(name) > 0 || name.starts_with("__"); // __and__
}

// Files, streams, another memory or another size of a tensor, and what does not
// check the indices that it is given.
bool is_dangerous(std::string_view name) {
  constexpr std::array kNames = {
      "copy_sparse_to_sparse"sv,
      "copy_sparse_to_sparse_"sv,
      "ctc_loss"sv,
      "from_file"sv,
      "fused_moving_avg_obs_fake_quant"sv,
      "pin_memory"sv,
      "record_stream"sv,
      "requires_grad_"sv,
      "resize"sv,
      "resize_"sv,
      "resize_as"sv,
      "resize_as_"sv,
      "resize_as_sparse"sv,
      "resize_as_sparse_"sv,
      "retain_grad"sv,
      "segment_reduce"sv,
      "set"sv,
      "set_"sv,
      "set_data"sv};
  constexpr std::array kFamilies = {
      "cudnn_"sv,
      "fbgemm_"sv,
      "miopen_"sv,
      "mkldnn_"sv,
      "quantized_"sv,
      "sparse_"sv};
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end() ||
      std::any_of(
             kFamilies.begin(), kFamilies.end(), [&](std::string_view family) {
               return name.starts_with(family);
             });
}

// Tensors, numbers and texts, and lists of them; no storages, streams and
// objects.
bool is_of_values(c10::TypePtr type) {
  using Kind = c10::TypeKind;
  for (;;) {
    switch (type->kind()) {
      case Kind::OptionalType:
        type = type->castRaw<c10::OptionalType>()->getElementType();
        break;
      case Kind::ListType:
        type = type->castRaw<c10::ListType>()->getElementType();
        break;
      case Kind::TensorType:
      case Kind::IntType:
      case Kind::FloatType:
      case Kind::BoolType:
      case Kind::NumberType:
      case Kind::StringType:
      case Kind::DeviceObjType:
      case Kind::GeneratorType:
        return true;
      default:
        return false;
    }
  }
}

void check_schema(const c10::FunctionSchema& schema) {
  for (const auto& argument : schema.arguments()) {
    TORCH_CHECK_VALUE(
        !argument.is_out(),
        "writes its results into tensors that it is given, which is refused.");
    TORCH_CHECK_VALUE(
        is_of_values(argument.type()),
        "takes ",
        argument.type()->str(),
        ", which is refused.");
  }
  for (const auto& result : schema.returns()) {
    TORCH_CHECK_VALUE(
        is_of_values(result.type()),
        "gives ",
        result.type()->str(),
        ", which is refused.");
  }
}

} // namespace

c10::OperatorHandle known_operator(const std::string& target) {
  const std::string_view whole = target;
  TORCH_CHECK_VALUE(
      whole.starts_with(kOfTorch), "is none of LibTorch's operators.");
  const std::string_view rest = whole.substr(kOfTorch.size());
  const size_t dot = rest.find('.');
  const size_t end = rest.rfind('.');
  const std::string_view family = rest.substr(0, dot);
  TORCH_CHECK_VALUE(
      family != "higher_order",
      "is control flow or a part of the program with rules of its own (such as "
      "torch.cond, torch.no_grad or autocast in the forward), which cannot be "
      "run; export the module without it.");
  TORCH_CHECK_VALUE(
      family == "aten" && end != dot,
      "is an operator of the library '",
      family,
      "'; those of 'aten' alone are run.");
  const std::string_view name = rest.substr(dot + 1, end - dot - 1);
  const std::string_view overload = rest.substr(end + 1);
  TORCH_CHECK_VALUE(
      !is_dangerous(name),
      "reaches for files or for memory beyond its tensors, or gives them "
      "another size or memory, which is refused.");
  TORCH_CHECK_VALUE(
      name.find("backward") == std::string_view::npos,
      "is a part of a backward, which is refused; export the plain forward.");
  TORCH_CHECK_VALUE(
      !name.starts_with('_') || is_exported_inside(name),
      "is one of LibTorch's own insides, which check little of what they are "
      "given, and is refused.");
  const auto found = c10::Dispatcher::singleton().findSchema(
      {"aten::" + std::string(name),
       overload == "default" ? std::string() : std::string(overload)});
  TORCH_CHECK_VALUE(
      found.has_value(), "is an operator that this LibTorch does not have.");
  check_schema(found->schema());
  return *found;
}

bool changes_shape(const c10::OperatorHandle& op) {
  return op.hasTag(at::Tag::inplace_view);
}

} // namespace polytask::io::detail
