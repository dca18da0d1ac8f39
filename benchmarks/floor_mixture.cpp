// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include "floor_mixture.h"

#include <ATen/ops/_fused_adam.h>
#include <torch/utils.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "floor_products.h"

namespace polytask::benchmarks {

namespace {

constexpr int kExperts = 8;
constexpr int kShared = 4; // of those that are not all shared
constexpr int kTasks = 4;
constexpr int kWidth = 128;
constexpr int kTower = 64;

// Products, and their gradients, of layers that read one matrix: all weights
// [outputs, in] stand together, then all biases.
struct PackedLayer {
  Matrix weight;
  float* bias;
};

struct PackedLayers {
  PackedLayer values;
  PackedLayer gradients;
};

// A gate's columns in the matrix of all gates that read the same, and whose
// experts they are.
struct FloorGate {
  const float* shares = nullptr; // after the softmax; [rows, stride]
  float* slopes = nullptr;
  int stride = 0;
  std::vector<int> experts;
  float* mixed = nullptr; // [rows, kWidth]
  const float* cotangent = nullptr;
};

void softmax_columns(float* row, int count) {
  float largest = row[0];
  for (int j = 1; j < count; ++j) {
    largest = std::max(largest, row[j]);
  }
  float sum = 0;
  for (int j = 0; j < count; ++j) {
    row[j] = std::exp(row[j] - largest);
    sum += row[j];
  }
  for (int j = 0; j < count; ++j) {
    row[j] /= sum;
  }
}

class MixtureFloor : public Contender {
 public:
  MixtureFloor(const Problem& problem, MixtureKind kind, double learning_rate)
      : kind_(kind),
        learning_rate_(learning_rate),
        kept_{problem.input, problem.targets},
        rows_(static_cast<int>(problem.input.size(0))),
        x_(matrix(problem.input)),
        y_(matrix(problem.targets)) {
    const int64_t size = problem.start.numel();
    flat_ = torch::empty({size});
    gradient_ = torch::zeros({size});
    mean_ = torch::zeros({size});
    mean_square_ = torch::zeros({size});
    lay_out();
    copy(problem.start, flat_, /*is_into=*/true);
    make_buffers();
  }

  torch::Tensor parameters() const override {
    torch::Tensor canonical = torch::empty_like(flat_);
    copy(canonical, flat_, /*is_into=*/false);
    return canonical;
  }

  void run(int64_t steps) override {
    const torch::NoGradGuard no_grad;
    for (int64_t i = 0; i < steps; ++i) {
      forward();
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
  bool is_mmoe() const {
    return kind_ == MixtureKind::kMMoE;
  }
  bool is_ple() const {
    return kind_ == MixtureKind::kPLE;
  }

  static Matrix matrix(const torch::Tensor& tensor) {
    const auto columns = static_cast<int>(tensor.size(1));
    return {
        tensor.mutable_data_ptr<float>(),
        static_cast<int>(tensor.size(0)),
        columns,
        columns};
  }
  Matrix buffer(int64_t columns) {
    kept_.push_back(torch::empty({rows_, columns}));
    return matrix(kept_.back());
  }

  // Layers that read one matrix, in the floor's own order.
  PackedLayers pack(int outputs, int inputs) {
    const auto of = [&](const torch::Tensor& flat) {
      float* data = flat.mutable_data_ptr<float>() + next_;
      return PackedLayer{
          {data, outputs, inputs, inputs}, data + outputs * inputs};
    };
    PackedLayers layers{of(flat_), of(gradient_)};
    next_ += outputs * inputs + outputs;
    return layers;
  }
  // Some outputs of packed layers are the next layer in the canonical order.
  void note(const PackedLayers& layers, int begin, int count) {
    const float* base = flat_.const_data_ptr<float>();
    const int inputs = layers.values.weight.columns;
    places_.emplace_back(
        layers.values.weight.data + begin * inputs - base, count * inputs);
    places_.emplace_back(layers.values.bias + begin - base, count);
  }
  void copy(
      const torch::Tensor& canonical,
      const torch::Tensor& own,
      bool is_into) const {
    int64_t at = 0;
    for (const auto& [place, count] : places_) {
      torch::Tensor there = own.narrow(0, place, count);
      torch::Tensor here = canonical.narrow(0, at, count);
      (is_into ? there : here).copy_(is_into ? here : there);
      at += count;
    }
  }

  void lay_out() {
    const int columns = is_mmoe() ? kExperts : kShared + 1;
    experts_ = pack(kExperts * kWidth, x_.columns);
    gates_ = pack(kTasks * columns + (is_ple() ? kExperts : 0), x_.columns);
    for (int e = 0; e < kExperts; ++e) {
      note(experts_, e * kWidth, kWidth);
    }
    for (int t = 0; t < kTasks; ++t) {
      note(gates_, t * columns, columns);
    }
    if (is_ple()) {
      note(gates_, kTasks * columns, kExperts);
      upper_shared_ = pack(kShared * kWidth, kWidth);
      for (int e = 0; e < kShared; ++e) {
        note(upper_shared_, e * kWidth, kWidth);
      }
      // A task's expert and gate read the same.
      for (int t = 0; t < kTasks; ++t) {
        upper_own_.push_back(pack(kWidth + columns, kWidth));
        note(upper_own_[t], 0, kWidth);
      }
      for (int t = 0; t < kTasks; ++t) {
        note(upper_own_[t], kWidth, columns);
      }
    }
    shared_ = next_;
    for (int t = 0; t < kTasks; ++t) {
      towers_.push_back(pack(kTower, kWidth));
      outputs_.push_back(pack(1, kTower));
      note(towers_[t], 0, kTower);
      note(outputs_[t], 0, 1);
    }
  }

  void make_buffers() {
    h_ = buffer(kExperts * kWidth);
    dh_ = buffer(kExperts * kWidth);
    g_ = buffer(gates_.values.weight.rows);
    dg_ = buffer(gates_.values.weight.rows);
    for (int t = 0; t < kTasks; ++t) {
      states_.push_back(buffer(kWidth));
      slopes_.push_back(buffer(kWidth));
      hidden_.push_back(buffer(kTower));
      hidden_slopes_.push_back(buffer(kTower));
    }
    lower_ = make_gates(g_, dg_, is_ple());
    if (!is_ple()) {
      return;
    }
    shared_state_ = buffer(kWidth);
    shared_slope_ = buffer(kWidth);
    upper_h_ = buffer(kShared * kWidth);
    upper_dh_ = buffer(kShared * kWidth);
    for (int t = 0; t < kTasks; ++t) {
      own_h_.push_back(buffer(kWidth + kShared + 1));
      own_dh_.push_back(buffer(kWidth + kShared + 1));
      upper_states_.push_back(buffer(kWidth));
      upper_slopes_.push_back(buffer(kWidth));
    }
  }

  std::vector<FloorGate> make_gates(
      Matrix shares, Matrix slopes, bool has_shared) {
    std::vector<FloorGate> gates;
    int column = 0;
    for (int t = 0; t < kTasks + (has_shared ? 1 : 0); ++t) {
      FloorGate gate;
      gate.shares = shares.data + column;
      gate.slopes = slopes.data + column;
      gate.stride = shares.stride;
      for (int e = 0; is_mmoe() && e < kExperts; ++e) {
        gate.experts.push_back(e);
      }
      if (t == kTasks) {
        gate.experts = {4, 5, 6, 7, 0, 1, 2, 3};
      } else if (!is_mmoe()) {
        gate.experts = {kShared + t, 0, 1, 2, 3};
      }
      column += static_cast<int>(gate.experts.size());
      gates.push_back(std::move(gate));
    }
    return gates;
  }

  void multiply_forward(
      const Matrix& input, const PackedLayer& layer, Matrix to) const {
    multiply(input, Form::kPlain, layer.weight, Form::kTransposed, to);
  }

  // Biases, ReLU, softmax and mixtures in one pass over the rows.
  void mix_lower() {
    for (int t = 0; t < kTasks; ++t) {
      lower_[t].mixed = states_[t].data;
    }
    if (is_ple()) {
      lower_[kTasks].mixed = shared_state_.data;
    }
    const float* bias = experts_.values.bias;
    const float* gate_bias = gates_.values.bias;
    for (int i = 0; i < rows_; ++i) {
      float* h = h_.data + i * h_.stride;
      for (int j = 0; j < kExperts * kWidth; ++j) {
        h[j] = std::max(h[j] + bias[j], 0.0f);
      }
      float* g = g_.data + i * g_.stride;
      for (int j = 0; j < g_.columns; ++j) {
        g[j] += gate_bias[j];
      }
      int column = 0;
      for (const FloorGate& gate : lower_) {
        const int count = static_cast<int>(gate.experts.size());
        softmax_columns(g + column, count);
        float sum[kWidth] = {};
        for (int e = 0; e < count; ++e) {
          const float share = g[column + e];
          const float* values = h + gate.experts[e] * kWidth;
          for (int j = 0; j < kWidth; ++j) {
            sum[j] += share * values[j];
          }
        }
        std::copy_n(sum, kWidth, gate.mixed + i * kWidth);
        column += count;
      }
    }
  }

  void mix_upper() {
    for (int i = 0; i < rows_; ++i) {
      float* common = upper_h_.data + i * upper_h_.stride;
      for (int j = 0; j < kShared * kWidth; ++j) {
        common[j] = std::max(common[j] + upper_shared_.values.bias[j], 0.0f);
      }
      for (int t = 0; t < kTasks; ++t) {
        float* own = own_h_[t].data + i * own_h_[t].stride;
        const float* bias = upper_own_[t].values.bias;
        for (int j = 0; j < kWidth; ++j) {
          own[j] = std::max(own[j] + bias[j], 0.0f);
        }
        float* g = own + kWidth;
        for (int j = 0; j < kShared + 1; ++j) {
          g[j] += bias[kWidth + j];
        }
        softmax_columns(g, kShared + 1);
        float sum[kWidth];
        for (int j = 0; j < kWidth; ++j) {
          sum[j] = g[0] * own[j] + g[1] * common[j] +
              g[2] * common[kWidth + j] + g[3] * common[2 * kWidth + j] +
              g[4] * common[3 * kWidth + j];
        }
        std::copy_n(sum, kWidth, upper_states_[t].data + i * kWidth);
      }
    }
  }

  void forward() {
    multiply_forward(x_, experts_.values, h_);
    multiply_forward(x_, gates_.values, g_);
    mix_lower();
    if (is_ple()) {
      multiply_forward(shared_state_, upper_shared_.values, upper_h_);
      for (int t = 0; t < kTasks; ++t) {
        multiply_forward(states_[t], upper_own_[t].values, own_h_[t]);
      }
      mix_upper();
    }
  }

  void tower(int t, const Matrix& state, Matrix slope) {
    Matrix& hidden = hidden_[t];
    Matrix& back = hidden_slopes_[t];
    multiply_forward(state, towers_[t].values, hidden);
    const float* bias = towers_[t].values.bias;
    const float* weight = outputs_[t].values.weight.data;
    float* bias_gradient = towers_[t].gradients.bias;
    float* weight_gradient = outputs_[t].gradients.weight.data;
    std::fill_n(bias_gradient, kTower, 0.0f);
    std::fill_n(weight_gradient, kTower, 0.0f);
    const float scale = 2.0f / static_cast<float>(rows_);
    float sum = 0;
    for (int i = 0; i < rows_; ++i) {
      float* h = hidden.data + i * kTower;
      float output = outputs_[t].values.bias[0];
      for (int j = 0; j < kTower; ++j) {
        h[j] = std::max(h[j] + bias[j], 0.0f);
        output += h[j] * weight[j];
      }
      const float d = scale * (output - y_.data[i * y_.stride + t]);
      sum += d;
      float* b = back.data + i * kTower;
      for (int j = 0; j < kTower; ++j) {
        weight_gradient[j] += d * h[j];
        b[j] = h[j] > 0 ? d * weight[j] : 0.0f;
        bias_gradient[j] += b[j];
      }
    }
    outputs_[t].gradients.bias[0] = sum;
    multiply(
        back,
        Form::kTransposed,
        state,
        Form::kPlain,
        towers_[t].gradients.weight);
    multiply(back, Form::kPlain, towers_[t].values.weight, Form::kPlain, slope);
  }

  static void softmax_back(const float* shares, float* slopes, int count) {
    float mean = 0;
    for (int j = 0; j < count; ++j) {
      mean += shares[j] * slopes[j];
    }
    for (int j = 0; j < count; ++j) {
      slopes[j] = shares[j] * (slopes[j] - mean);
    }
  }

  static float dot(const float* a, const float* b) {
    float sum = 0;
    for (int j = 0; j < kWidth; ++j) {
      sum += a[j] * b[j];
    }
    return sum;
  }

  // Gradients of the tasks from `begin` to `end`, into a vector like gradient_.
  void unmix_upper(int begin, int end, float* into) {
    const auto at = [&](const float* place) {
      return into + (place - gradient_.const_data_ptr<float>());
    };
    float* common_bias = at(upper_shared_.gradients.bias);
    std::fill_n(common_bias, kShared * kWidth, 0.0f);
    for (int t = begin; t < end; ++t) {
      std::fill_n(at(upper_own_[t].gradients.bias), kWidth + kShared + 1, 0.0f);
    }
    for (int i = 0; i < rows_; ++i) {
      const float* common = upper_h_.data + i * upper_h_.stride;
      float* back = upper_dh_.data + i * upper_dh_.stride;
      for (int e = 0; e < kShared; ++e) {
        float sum[kWidth] = {};
        const float* values = common + e * kWidth;
        for (int t = begin; t < end; ++t) {
          const float share =
              own_h_[t].data[i * own_h_[t].stride + kWidth + 1 + e];
          const float* slope = upper_slopes_[t].data + i * kWidth;
          for (int j = 0; j < kWidth; ++j) {
            sum[j] += share * slope[j];
          }
          own_dh_[t].data[i * own_dh_[t].stride + kWidth + 1 + e] =
              dot(slope, values);
        }
        float* bias = common_bias + e * kWidth;
        for (int j = 0; j < kWidth; ++j) {
          const float value = values[j] > 0 ? sum[j] : 0.0f;
          back[e * kWidth + j] = value;
          bias[j] += value;
        }
      }
      for (int t = begin; t < end; ++t) {
        const float* own = own_h_[t].data + i * own_h_[t].stride;
        float* own_back = own_dh_[t].data + i * own_dh_[t].stride;
        const float* slope = upper_slopes_[t].data + i * kWidth;
        float* bias = at(upper_own_[t].gradients.bias);
        own_back[kWidth] = dot(slope, own);
        for (int j = 0; j < kWidth; ++j) {
          own_back[j] = own[j] > 0 ? own[kWidth] * slope[j] : 0.0f;
        }
        softmax_back(own + kWidth, own_back + kWidth, kShared + 1);
        for (int j = 0; j < kWidth + kShared + 1; ++j) {
          bias[j] += own_back[j];
        }
      }
    }
    const auto weight_of = [&](const PackedLayers& layers) {
      Matrix weight = layers.gradients.weight;
      weight.data = at(weight.data);
      return weight;
    };
    multiply(
        upper_dh_,
        Form::kTransposed,
        shared_state_,
        Form::kPlain,
        weight_of(upper_shared_));
    multiply(
        upper_dh_,
        Form::kPlain,
        upper_shared_.values.weight,
        Form::kPlain,
        shared_slope_);
    for (int t = begin; t < end; ++t) {
      multiply(
          own_dh_[t],
          Form::kTransposed,
          states_[t],
          Form::kPlain,
          weight_of(upper_own_[t]));
      multiply(
          own_dh_[t],
          Form::kPlain,
          upper_own_[t].values.weight,
          Form::kPlain,
          slopes_[t]);
    }
  }

  void unmix_lower(int begin, int end, float* into) {
    const auto at = [&](const float* place) {
      return into + (place - gradient_.const_data_ptr<float>());
    };
    std::vector<FloorGate*> gates;
    for (int t = begin; t < end; ++t) {
      lower_[t].cotangent = slopes_[t].data;
      gates.push_back(&lower_[t]);
    }
    if (is_ple()) {
      lower_[kTasks].cotangent = shared_slope_.data;
      gates.push_back(&lower_[kTasks]);
    }
    // Experts that only other tasks mix are left out.
    int last = kExperts;
    int alone = -1;
    if (kind_ == MixtureKind::kCGC && end - begin == 1) {
      last = kShared;
      alone = kShared + begin;
    }
    float* bias_of_all = at(experts_.gradients.bias);
    float* gate_bias = at(gates_.gradients.bias);
    std::fill_n(bias_of_all, kExperts * kWidth, 0.0f);
    std::fill_n(gate_bias, g_.columns, 0.0f);
    const auto unmix_expert = [&](int i, int e) {
      const float* values = h_.data + i * h_.stride + e * kWidth;
      float* back = dh_.data + i * dh_.stride + e * kWidth;
      float sum[kWidth] = {};
      for (const FloorGate* gate : gates) {
        const auto found =
            std::find(gate->experts.begin(), gate->experts.end(), e);
        if (found == gate->experts.end()) {
          continue;
        }
        const auto column = found - gate->experts.begin();
        const float share = gate->shares[i * gate->stride + column];
        const float* slope = gate->cotangent + i * kWidth;
        for (int j = 0; j < kWidth; ++j) {
          sum[j] += share * slope[j];
        }
        gate->slopes[i * gate->stride + column] = dot(slope, values);
      }
      float* bias = bias_of_all + e * kWidth;
      for (int j = 0; j < kWidth; ++j) {
        const float value = values[j] > 0 ? sum[j] : 0.0f;
        back[j] = value;
        bias[j] += value;
      }
    };
    for (int i = 0; i < rows_; ++i) {
      for (int e = 0; e < last; ++e) {
        unmix_expert(i, e);
      }
      if (alone >= 0) {
        unmix_expert(i, alone);
      }
      for (const FloorGate* gate : gates) {
        softmax_back(
            gate->shares + i * gate->stride,
            gate->slopes + i * gate->stride,
            static_cast<int>(gate->experts.size()));
        float* sums = gate_bias + (gate->slopes - dg_.data);
        for (size_t j = 0; j < gate->experts.size(); ++j) {
          sums[j] += gate->slopes[i * gate->stride + static_cast<int>(j)];
        }
      }
    }
    const auto multiply_part = [&](const Matrix& slopes,
                                   const PackedLayers& layers,
                                   int from,
                                   int count) {
      Matrix some = slopes;
      some.data += from;
      some.columns = count;
      Matrix to = layers.gradients.weight;
      to.data = at(to.data) + from * to.stride;
      to.rows = count;
      multiply(some, Form::kTransposed, x_, Form::kPlain, to);
    };
    multiply_part(dh_, experts_, 0, last * kWidth);
    if (alone >= 0) {
      multiply_part(dh_, experts_, alone * kWidth, kWidth);
    }
    if (end - begin == kTasks) {
      multiply_part(dg_, gates_, 0, dg_.columns);
      return;
    }
    for (const FloorGate* gate : gates) {
      multiply_part(
          dg_,
          gates_,
          static_cast<int>(gate->slopes - dg_.data),
          static_cast<int>(gate->experts.size()));
    }
  }

  void backward_towers() {
    for (int t = 0; t < kTasks; ++t) {
      tower(
          t,
          is_ple() ? upper_states_[t] : states_[t],
          is_ple() ? upper_slopes_[t] : slopes_[t]);
    }
  }

  // Of the sum of all losses.
  virtual void backward() {
    backward_towers();
    unmix(0, kTasks, gradient_.mutable_data_ptr<float>());
  }

  void unmix(int begin, int end, float* into) {
    if (is_ple()) {
      unmix_upper(begin, end, into);
    }
    unmix_lower(begin, end, into);
  }

  MixtureKind kind_;
  double learning_rate_;
  /// What the matrices below point into.
  std::vector<torch::Tensor> kept_;
  int rows_;
  Matrix x_;
  Matrix y_;
  torch::Tensor flat_;        // [P], in an order of its own
  torch::Tensor gradient_;    // [P]
  torch::Tensor mean_;        // [P]
  torch::Tensor mean_square_; // [P]
  torch::Tensor step_ = torch::zeros({});
  int64_t next_ = 0;
  int64_t shared_ = 0; // the parameters before the towers'
  /// In the canonical order: where each part stands here.
  std::vector<std::pair<int64_t, int64_t>> places_;

  PackedLayers experts_{};
  PackedLayers gates_{};
  PackedLayers upper_shared_{};
  std::vector<PackedLayers> upper_own_; // a task's expert, then its gate
  std::vector<PackedLayers> towers_;
  std::vector<PackedLayers> outputs_;

  Matrix h_{};  // [rows, experts · width], after ReLU
  Matrix dh_{}; // gradients of the same
  Matrix g_{};  // [rows, columns of all gates]
  Matrix dg_{};
  std::vector<FloorGate> lower_;
  std::vector<Matrix> states_;
  std::vector<Matrix> slopes_;
  Matrix shared_state_{};
  Matrix shared_slope_{};
  Matrix upper_h_{};
  Matrix upper_dh_{};
  std::vector<Matrix> own_h_; // [rows, width + columns of the gate]
  std::vector<Matrix> own_dh_;
  std::vector<Matrix> upper_states_;
  std::vector<Matrix> upper_slopes_;
  std::vector<Matrix> hidden_;
  std::vector<Matrix> hidden_slopes_;
};

// One backward for each task, inner products, and the mean of the gradients.
class MixtureJacobianFloor : public MixtureFloor {
 public:
  MixtureJacobianFloor(
      const Problem& problem, MixtureKind kind, double learning_rate)
      : MixtureFloor(problem, kind, learning_rate),
        jacobian_(torch::zeros({kTasks, shared_})),
        gramian_(torch::empty({kTasks, kTasks})),
        weights_(torch::full({kTasks}, 1.0 / kTasks)) {}

 private:
  void backward() override {
    backward_towers();
    for (int t = 0; t < kTasks; ++t) {
      unmix(t, t + 1, jacobian_.mutable_data_ptr<float>() + t * shared_);
    }
    torch::mm_out(gramian_, jacobian_, jacobian_.t());
    torch::Tensor update = gradient_.narrow(0, 0, shared_);
    torch::mv_out(update, jacobian_.t(), weights_);
  }

  torch::Tensor jacobian_; // [T, N]
  torch::Tensor gramian_;
  torch::Tensor weights_;
};

} // namespace

std::unique_ptr<Contender> mixture_jacobian_floor(
    const Problem& problem, MixtureKind kind, double learning_rate) {
  return std::make_unique<MixtureJacobianFloor>(problem, kind, learning_rate);
}

std::unique_ptr<Contender> mixture_floor(
    const Problem& problem, MixtureKind kind, double learning_rate) {
  return std::make_unique<MixtureFloor>(problem, kind, learning_rate);
}

} // namespace polytask::benchmarks
