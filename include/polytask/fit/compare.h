// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <torch/arg.h>
#include <torch/optim/optimizer.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <polytask/balancing/balancing.h>
#include <polytask/core/api.h>
#include <polytask/data/dataset.h>
#include <polytask/data/loader.h>
#include <polytask/fit/comparison.h>
#include <polytask/fit/fit_options.h>
#include <polytask/fit/progress.h>
#include <polytask/model/multi_task_model.h>
#include <polytask/training/joint_training.h>

namespace polytask::fit {

/// A balancing to compare, and what it is called there.
class POLYTASK_API CompareMethod {
 public:
  /// What `balancing::make` makes of the name; throws as that does.
  CompareMethod(const std::string& name); // NOLINT: meant to be implicit
  CompareMethod(const char* name)         // NOLINT: meant to be implicit
      : CompareMethod(std::string(name)) {}
  /// A method with options of its own. Throws on an empty name, and on null.
  CompareMethod(std::string name, const balancing::Balancing& method);
  CompareMethod(
      std::string name, std::shared_ptr<const balancing::Balancing> method);

  const std::string& name() const {
    return name_;
  }
  const balancing::Balancing& method() const {
    return *method_;
  }
  /// A new one that has learned nothing, with random numbers of this seed.
  std::unique_ptr<balancing::Balancing> make(uint64_t seed) const;

 private:
  std::string name_;
  std::shared_ptr<const balancing::Balancing> method_;
};

class POLYTASK_API CompareOptions {
 public:
  /// Rows to train on, to choose the best weights by, and to judge by. The
  /// tasks are those of `train`, which the others must have too; each run gets
  /// the targets of its tasks.
  CompareOptions(
      data::Dataset train, data::Dataset validation, data::Dataset test)
      : train_(std::move(train)),
        validation_(std::move(validation)),
        test_(std::move(test)) {}

  const data::Dataset& train() const {
    return train_;
  }
  const data::Dataset& validation() const {
    return validation_;
  }
  const data::Dataset& test() const {
    return test_;
  }

  /// As `optim::make_optimizer` takes them; needed.
  CompareOptions& optimizer(const torch::optim::OptimizerOptions& options) {
    optimizer_ = options.clone();
    return *this;
  }
  /// Null where none was given.
  const std::shared_ptr<const torch::optim::OptimizerOptions>& optimizer()
      const {
    return optimizer_;
  }

  /// By which metric of the test rows tasks are judged, or one of them; "loss"
  /// unless given.
  CompareOptions& metric(std::string name) {
    metric_ = std::move(name);
    return *this;
  }
  CompareOptions& metric(const std::string& task, std::string name) {
    metrics_[task] = std::move(name);
    return *this;
  }
  const std::string& metric_of(const std::string& task) const {
    const auto own = metrics_.find(task);
    return own == metrics_.end() ? metric_ : own->second;
  }
  /// Those that were given for one task.
  const std::map<std::string, std::string>& metrics() const {
    return metrics_;
  }

  /// The seed of each run takes the place of the loader's.
  TORCH_ARG(data::LoaderOptions, loader) = {};
  /// The budget of each run: everything but validation, folder, progress and
  /// outer batches, which must not be given. Whatever goes by a value of the
  /// validation (`monitor`, `plateau`, early stopping of all together) goes by
  /// "mean/<metric>", which a task alone has too. Schedulers are cloned for
  /// each run; callbacks see all of them. `best_of_each_task` is not heeded.
  TORCH_ARG(FitOptions, fit) = {};
  /// How steps are taken; without a balancing and a grad_scaler. A task alone
  /// has its learning rate of `learning_rates`.
  TORCH_ARG(JointTrainingOptions, training) = {};
  /// What there is beside "alone" and "equal": names for `balancing::make`, or
  /// pairs of a name and a method.
  TORCH_ARG(std::vector<CompareMethod>, methods) = {};
  TORCH_ARG(std::vector<uint64_t>, seeds) = { 0, 1, 2 };
  /// Where runs are kept, and gone on with; empty for nowhere.
  TORCH_ARG(std::string, folder) = "";
  /// Checkpoints of runs that have ended stay.
  TORCH_ARG(bool, keep_checkpoints) = false;
  /// A line for each run that has ended; with `kLines` or `kTable` each fit
  /// shows itself too.
  TORCH_ARG(ProgressOptions, progress) = {};

 private:
  data::Dataset train_;
  data::Dataset validation_;
  data::Dataset test_;
  std::shared_ptr<const torch::optim::OptimizerOptions> optimizer_;
  std::string metric_ = "loss";
  std::map<std::string, std::string> metrics_;
};

/// Makes a fresh model with tasks of these names and no others, on the device
/// of the data. It is called after `torch::manual_seed`, and should draw from
/// nothing else.
using MakeModel =
    std::function<MultiTaskModel(const std::vector<std::string>& tasks)>;

/// Compares under one budget, for each seed: every task alone, in a model of
/// its own ("alone"); the sum of the losses, each times the weight that the
/// model gives its task ("equal"); and each balancing. All runs with a seed
/// begin with that seed and see the same batches in the same order. Every run
/// takes its best weights by the validation and then looks at the test rows
/// once: nothing is chosen by them.
///
/// With a folder, runs that have ended are read back and a half one goes on
/// from its checkpoint. A run is known by its method, tasks, seed, model and
/// budget: with other ones it is another run, beside the old one. A folder of
/// other data is refused. Not seen are the code of callbacks, initial weights,
/// and how much gradients are clipped: for other ones take another folder. All
/// values are kept, so that another metric needs no training.
///
/// LibTorch's random generators are afterwards as before. Throws
/// `c10::ValueError`, by name and before any run, for what the options rule
/// out, and for a metric that a task lacks; and, with the method and the seed,
/// for what goes wrong in a run, and where Ctrl-C ends one.
///
/// ```cpp
/// auto comparison = polytask::fit::compare(make_model,
///     polytask::fit::CompareOptions(train, validation, test)
///         .optimizer(torch::optim::AdamOptions(1e-3))
///         .fit(FitOptions().epochs(50)).methods({"pcgrad"}).metric("rmse"));
/// ```
POLYTASK_API Comparison
compare(const MakeModel& make_model, const CompareOptions& options);

} // namespace polytask::fit
