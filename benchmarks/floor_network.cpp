// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "floor_network.h"

#include <ATen/ops/_fused_adam.h>
#include <torch/utils.h>

#include <algorithm>

#include "floor_products.h"

namespace polytask::benchmarks {

namespace {

// A layer in the flat buffers: weight [out, in] and bias [out]. The heads'
// rows hold weight and bias of one task each.
struct Layer {
  Matrix weight;
  float* bias;
  int bias_stride;
};

void add_bias_and_relu(Matrix h, const float* bias) {
  for (int i = 0; i < h.rows; ++i) {
    float* row = h.data + i * h.stride;
    for (int j = 0; j < h.columns; ++j) {
      row[j] = std::max(row[j] + bias[j], 0.0f);
    }
  }
}

// The gradient of ReLU's output becomes that of its input; its column sums are
// the bias's.
void mask_and_sum(Matrix gradient, const Matrix& h, float* sums) {
  std::fill_n(sums, h.columns, 0.0f);
  for (int i = 0; i < h.rows; ++i) {
    float* row = gradient.data + i * gradient.stride;
    const float* output = h.data + i * h.stride;
    for (int j = 0; j < h.columns; ++j) {
      row[j] = output[j] > 0 ? row[j] : 0.0f;
      sums[j] += row[j];
    }
  }
}

class NetworkFloor : public Contender {
 public:
  NetworkFloor(const Problem& problem, int64_t hidden, double learning_rate)
      : learning_rate_(learning_rate),
        flat_(problem.start.clone()),
        gradient_(torch::zeros_like(flat_)),
        mean_(torch::zeros_like(flat_)),
        mean_square_(torch::zeros_like(flat_)),
        step_(torch::zeros({})),
        kept_{problem.input, problem.targets},
        x_(matrix(problem.input)),
        y_(matrix(problem.targets)),
        h1_(buffer(x_.rows, hidden)),
        h2_(buffer(x_.rows, hidden)),
        d1_(buffer(x_.rows, hidden)),
        d2_(buffer(x_.rows, hidden)),
        r_(buffer(x_.rows, y_.columns)) {
    const auto h = static_cast<int>(hidden);
    float* from = flat_.mutable_data_ptr<float>();
    for (auto* layers : {&layers_, &gradients_}) {
      layers->push_back({{from, h, x_.columns, x_.columns}, nullptr, 1});
      layers->push_back({{nullptr, h, h, h}, nullptr, 1});
      layers->push_back({{nullptr, y_.columns, h, h + 1}, nullptr, h + 1});
      (*layers)[0].bias = from + h * x_.columns;
      (*layers)[1].weight.data = (*layers)[0].bias + h;
      (*layers)[1].bias = (*layers)[1].weight.data + h * h;
      (*layers)[2].weight.data = (*layers)[1].bias + h;
      (*layers)[2].bias = (*layers)[2].weight.data + h;
      from = gradient_.mutable_data_ptr<float>();
    }
  }

  torch::Tensor parameters() const override {
    return flat_.clone();
  }

  void run(int64_t steps) override {
    const torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < steps; ++i) {
      forward();
      backward_heads();
      backward();
      step_.add_(1);
      at::_fused_adam_(
          {flat_},
          {gradient_},
          {mean_},
          {mean_square_},
          {},
          {step_},
          learning_rate_,
          0.9,
          0.999,
          0.0,
          1e-8,
          false,
          false);
    }
  }

 protected:
  void forward() {
    multiply(x_, Form::kPlain, layers_[0].weight, Form::kTransposed, h1_);
    add_bias_and_relu(h1_, layers_[0].bias);
    multiply(h1_, Form::kPlain, layers_[1].weight, Form::kTransposed, h2_);
    add_bias_and_relu(h2_, layers_[1].bias);
    multiply(h2_, Form::kPlain, layers_[2].weight, Form::kTransposed, r_);
  }

  // Leaves the derivative of the losses in r_.
  void backward_heads() {
    const Layer& heads = layers_[2];
    const Layer& head_gradients = gradients_[2];
    const float scale = 2.0f / static_cast<float>(x_.rows);
    for (int t = 0; t < y_.columns; ++t) {
      head_gradients.bias[t * heads.bias_stride] = 0;
    }
    for (int i = 0; i < x_.rows; ++i) {
      for (int t = 0; t < y_.columns; ++t) {
        float& r = r_.data[i * r_.stride + t];
        r = scale *
            (r + heads.bias[t * heads.bias_stride] -
             y_.data[i * y_.stride + t]);
        head_gradients.bias[t * heads.bias_stride] += r;
      }
    }
    multiply(r_, Form::kTransposed, h2_, Form::kPlain, head_gradients.weight);
  }

  virtual void backward() {
    multiply(r_, Form::kPlain, layers_[2].weight, Form::kPlain, d2_);
    mask_and_sum(d2_, h2_, gradients_[1].bias);
    multiply(d2_, Form::kTransposed, h1_, Form::kPlain, gradients_[1].weight);
    multiply(d2_, Form::kPlain, layers_[1].weight, Form::kPlain, d1_);
    mask_and_sum(d1_, h1_, gradients_[0].bias);
    multiply(d1_, Form::kTransposed, x_, Form::kPlain, gradients_[0].weight);
  }

  static Matrix matrix(const torch::Tensor& tensor) {
    const auto columns = static_cast<int>(tensor.size(1));
    return {
        tensor.mutable_data_ptr<float>(),
        static_cast<int>(tensor.size(0)),
        columns,
        columns};
  }
  Matrix buffer(int64_t rows, int64_t columns) {
    kept_.push_back(torch::empty({rows, columns}));
    return matrix(kept_.back());
  }

  double learning_rate_;
  torch::Tensor flat_;        // [P]
  torch::Tensor gradient_;    // [P]
  torch::Tensor mean_;        // [P]
  torch::Tensor mean_square_; // [P]
  torch::Tensor step_;
  /// What the matrices below point into.
  std::vector<torch::Tensor> kept_;
  Matrix x_;  // [B, d]
  Matrix y_;  // [B, T]
  Matrix h1_; // [B, h], after ReLU
  Matrix h2_;
  Matrix d1_; // gradients of the same
  Matrix d2_;
  Matrix r_; // [B, T]
  std::vector<Layer> layers_;
  std::vector<Layer> gradients_;
};

// Task by task, so that its two buffers stay in the core's cache.
class JacobianFloor : public NetworkFloor {
 public:
  JacobianFloor(const Problem& problem, int64_t hidden, double learning_rate)
      : NetworkFloor(problem, hidden, learning_rate),
        shared_(layers_[2].weight.data - layers_[0].weight.data),
        jacobian_(torch::empty({problem.tasks(), shared_})),
        gramian_(torch::empty({problem.tasks(), problem.tasks()})),
        mean_weights_(torch::full(
            {problem.tasks()}, 1.0 / static_cast<double>(problem.tasks()))) {}

 private:
  void backward() override {
    const Layer& heads = layers_[2];
    for (int t = 0; t < y_.columns; ++t) {
      float* row = jacobian_.mutable_data_ptr<float>() + t * shared_;
      const auto in_row = [&](const float* of) {
        return row + (of - gradients_[0].weight.data);
      };
      const float* weight = heads.weight.data + t * heads.weight.stride;
      for (int i = 0; i < d2_.rows; ++i) {
        const float slope = r_.data[i * r_.stride + t];
        for (int j = 0; j < d2_.columns; ++j) {
          d2_.data[i * d2_.stride + j] = slope * weight[j];
        }
      }
      mask_and_sum(d2_, h2_, in_row(gradients_[1].bias));
      Matrix to = gradients_[1].weight;
      to.data = in_row(to.data);
      multiply(d2_, Form::kTransposed, h1_, Form::kPlain, to);
      multiply(d2_, Form::kPlain, layers_[1].weight, Form::kPlain, d1_);
      mask_and_sum(d1_, h1_, in_row(gradients_[0].bias));
      to = gradients_[0].weight;
      to.data = in_row(to.data);
      multiply(d1_, Form::kTransposed, x_, Form::kPlain, to);
    }
    torch::mm_out(gramian_, jacobian_, jacobian_.t());
    torch::Tensor update = gradient_.narrow(0, 0, shared_);
    torch::mv_out(update, jacobian_.t(), mean_weights_);
  }

  int64_t shared_;
  torch::Tensor jacobian_; // [T, N]
  torch::Tensor gramian_;
  torch::Tensor mean_weights_;
};

} // namespace

std::unique_ptr<Contender> jacobian_floor(
    const Problem& problem, int64_t hidden, double learning_rate) {
  return std::make_unique<JacobianFloor>(problem, hidden, learning_rate);
}

std::unique_ptr<Contender> network_floor(
    const Problem& problem, int64_t hidden, double learning_rate) {
  return std::make_unique<NetworkFloor>(problem, hidden, learning_rate);
}

} // namespace polytask::benchmarks
