// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/nn/module.h>
#include <torch/nn/pimpl.h>
#include <torch/ordered_dict.h>
#include <torch/types.h>

#include <concepts>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include <polytask/core/api.h>
#include <polytask/core/inputs.h>
#include <polytask/core/labels.h>
#include <polytask/sharing/hard_sharing.h>
#include <polytask/sharing/no_sharing.h>
#include <polytask/sharing/sharing.h>
#include <polytask/task/task.h>

namespace polytask {

/// The container of several task models: one sharing and ordered, named tasks.
/// It is a torch::nn module like any other: `to(device)`, `train`,
/// `parameters`, `torch::save`. In its state, heads are called `tasks.<name>`
/// and the shared part `sharing`.
///
/// A training that was made before a change of the model takes it into account
/// at its next step, or throws and names what it cannot: a parameter that its
/// optimizer does not hold, or a further task.
///
/// ```cpp
/// polytask::MultiTaskModel model; // nothing shared: each task sees the input
/// model->add_task("y1", polytask::LinearTask(2, 1));
/// model->add_task("y2", polytask::LinearTask(2, 1));
/// ```
class POLYTASK_API MultiTaskModelImpl : public torch::nn::Module {
 public:
  /// A model whose tasks share nothing.
  MultiTaskModelImpl();
  explicit MultiTaskModelImpl(std::shared_ptr<Sharing> sharing);
  /// From a sharing, or from a trunk that all tasks share (`HardSharing`).
  template <typename Impl>
  explicit MultiTaskModelImpl(torch::nn::ModuleHolder<Impl> sharing)
      : MultiTaskModelImpl(as_sharing(std::move(sharing))) {}
  template <typename Impl>
    requires(
        std::derived_from<Impl, torch::nn::Module> &&
        !std::derived_from<Impl, Sharing>)
  explicit MultiTaskModelImpl(std::shared_ptr<Impl> trunk)
      : MultiTaskModelImpl(torch::nn::ModuleHolder<Impl>(std::move(trunk))) {}
  /// `clone` copies; a plain copy would share all modules.
  MultiTaskModelImpl(const MultiTaskModelImpl&) = delete;
  MultiTaskModelImpl& operator=(const MultiTaskModelImpl&) = delete;

  /// Adds a task at the end. Throws on a name that is empty, has a dot
  /// (LibTorch separates names by it), or is taken. The reference stays good
  /// when further tasks are added.
  Task& add_task(const std::string& name, Task task);

  /// Puts another task, or only another head, in the place of one that there
  /// is, for instance to fine-tune a trained trunk on something new. What stood
  /// there is no longer saved, moved or trained. References to the task stay
  /// good. A new head is on the device and in the mode in which it is given.
  Task& replace_task(const std::string& name, Task task);
  Task& replace_head(const std::string& name, Network head);
  /// The same for what the tasks share. Throws if it is empty.
  void replace_sharing(std::shared_ptr<Sharing> sharing);
  template <typename Impl>
  void replace_sharing(torch::nn::ModuleHolder<Impl> sharing) {
    replace_sharing(as_sharing(std::move(sharing)));
  }
  /// Counts the changes of the structure by these four.
  int64_t structure_version() const {
    return structure_version_;
  }

  /// The output of every task for an input [B, ...] that all share.
  torch::OrderedDict<std::string, torch::Tensor> forward(const Inputs& input);
  /// The output of one task; nothing of another task is computed.
  torch::Tensor forward_task(const Inputs& input, const std::string& name);

  /// What the sharing gives the heads of all tasks, or the head of one. Throws
  /// if a sharing gives too few or too many, or an undefined tensor.
  std::vector<Inputs> features(const Inputs& input) const;
  Inputs features_of(const Inputs& input, int64_t index) const;
  /// The same of some tasks, in their order.
  std::vector<Inputs> features_of_some(
      const Inputs& input, const std::vector<int64_t>& tasks) const;

  /// Throws, and lists the tasks there are, if there is none of that name or
  /// place.
  Task& task(const std::string& name);
  const Task& task(const std::string& name) const;
  Task& task(int64_t index);
  const Task& task(int64_t index) const;
  /// The place of a task in the model's order, from 0.
  int64_t index(const std::string& name) const;
  bool has_task(const std::string& name) const;
  const std::vector<std::string>& task_names() const {
    return names_;
  }
  /// The number of tasks, T.
  int64_t size() const {
    return static_cast<int64_t>(names_.size());
  }
  Sharing& sharing() const {
    return *sharing_;
  }
  /// The heads, each registered under its task's name; stands in the model as
  /// "tasks".
  const torch::nn::Module& heads() const {
    return *heads_;
  }

  /// Parameters that more than one task uses: the sharing's, and those that
  /// stand in several heads. No tensor comes twice.
  std::vector<torch::Tensor> shared_parameters() const;
  /// Parameters that this task alone uses. No tensor comes twice.
  std::vector<torch::Tensor> task_parameters(const std::string& name) const;
  /// The same of every task, in the model's order; one call for each would take
  /// time quadratic in their number.
  std::vector<std::vector<torch::Tensor>> parameters_by_task() const;
  /// All parameters, no tensor twice: first the shared ones, then each task's.
  /// (`parameters()` lists a head that two tasks share twice.)
  std::vector<torch::Tensor> unique_parameters() const;

  /// Stops, or resumes, the training of a task's own parameters. What it shares
  /// still learns from it; give it the weight 0 to end that too.
  void freeze(const std::string& name, bool frozen = true);

  /// The loss of one task on features computed before; errors name the task.
  torch::Tensor loss(
      int64_t index, const Inputs& features, const Labels& labels) const;

  /// A deep copy with the same names, frozen parameters and training modes,
  /// tied heads tied again; losses cannot change and are not copied. Throws if
  /// a module's own `clone` does not copy deeply, or if two modules share a
  /// tensor, which LibTorch's clone cannot keep.
  std::shared_ptr<torch::nn::Module> clone(
      const std::optional<torch::Device>& device = {}) const override;

  /// Writes parameters and buffers, the tasks' weights, and which parameters
  /// are frozen; losses are not written. A head's key is `tasks.<name>`; a name
  /// that is no identifier or is a word of TorchScript is written as `_`, its
  /// letters and digits, and `_` with two hexadecimal digits for each other
  /// byte. Throws if another module, in a named `Sequential` for instance, has
  /// a word of TorchScript (`in`) for its name, which LibTorch could not read
  /// back.
  void save(torch::serialize::OutputArchive& archive) const override;
  /// Throws, and changes nothing, if the archive holds other tasks or names, or
  /// a tensor of another shape or dtype, than this model, or if a newer
  /// polytask wrote it. Layers without a state, such as a Dropout, may be more
  /// or fewer. An archive of a polytask before weights and frozen parameters
  /// were written leaves those as they are, and a warning says so. Takes the
  /// memory of the model's state for the time of the comparison.
  void load(torch::serialize::InputArchive& archive) override;

  /// The tree of the model with parameter counts.
  void pretty_print(std::ostream& stream) const override;

 private:
  template <typename Impl>
  static std::shared_ptr<Sharing> as_sharing(
      torch::nn::ModuleHolder<Impl> module) {
    TORCH_CHECK_VALUE(
        !module.is_empty(), "MultiTaskModel: the module to share is empty.");
    if constexpr (std::derived_from<Impl, Sharing>) {
      return module.ptr();
    } else {
      return std::make_shared<HardSharingImpl>(Network(std::move(module)));
    }
  }

  torch::Tensor output(size_t index, const Inputs& features) const;
  void check_features(const Inputs& features, size_t index) const;
  std::vector<torch::Tensor> head_parameters(size_t index) const;
  void load_state(torch::serialize::InputArchive& archive);
  void collect_tied(std::vector<torch::Tensor>& tied) const;

  std::shared_ptr<Sharing> sharing_;
  std::shared_ptr<torch::nn::Module> heads_;
  std::vector<std::string> names_;
  std::unordered_map<std::string, int64_t> places_;
  std::deque<Task> tasks_;
  int64_t structure_version_ = 0;
};

TORCH_MODULE(MultiTaskModel);

/// `model->clone(device)` as what it is.
POLYTASK_API MultiTaskModel clone(
    const MultiTaskModel& model,
    const std::optional<torch::Device>& device = {});

/// Prints the tree once (LibTorch's own operator would add the children again).
POLYTASK_API std::ostream& operator<<(
    std::ostream& stream, const MultiTaskModelImpl& model);

} // namespace polytask
