// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/distributed/process_group.h>

#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "one_process.h"

namespace polytask::distributed {

namespace {

using c10d::ProcessGroupGloo;

std::string reason_of(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  return own != nullptr ? own->what_without_backtrace() : error.what();
}

// In bytes: where one message to each costs less than two of a part.
constexpr size_t kShort = 1 << 14;

/// All send to all at once: gloo's own reductions go round in many small
/// messages, and take several times as long for a few numbers. What is on an
/// accelerator goes by the host.
class GlooGroup : public Communicator {
 public:
  GlooGroup(
      c10::intrusive_ptr<c10d::Store> store,
      c10::intrusive_ptr<ProcessGroupGloo> group,
      ProcessGroupOptions options)
      : store_(std::move(store)),
        group_(std::move(group)),
        options_(std::move(options)) {}

  int64_t rank() const override {
    return group_->getRank();
  }
  int64_t size() const override {
    return group_->getSize();
  }

  void sum(at::Tensor& tensor) override {
    check("sum", tensor);
    if (!tensor.is_cpu()) {
      at::Tensor here = tensor.to(at::kCPU);
      sum(here);
      tensor.copy_(here);
      return;
    }
    at::Tensor flat = tensor.view({-1});
    if (size() == 2 || flat.nbytes() <= kShort) {
      flat.copy_(sum_of(sent_to_all("sum", flat)));
      return;
    }
    const int64_t each = (flat.numel() + size() - 1) / size();
    const at::Tensor blocks = at::zeros({size(), each}, flat.options());
    blocks.view({-1}).narrow(0, 0, flat.numel()).copy_(flat);
    const at::Tensor own = sum_of(exchanged("sum", blocks));
    flat.copy_(sent_to_all("sum", own).view({-1}).narrow(0, 0, flat.numel()));
  }

  at::Tensor sum_own_block(const at::Tensor& blocks) override {
    check("sum_own_block", blocks);
    TORCH_CHECK_VALUE(
        blocks.dim() > 0 && blocks.size(0) == size(),
        "Communicator: expected a block for each of ",
        size(),
        " ranks, but got ",
        blocks.sizes(),
        ".");
    return sum_of(exchanged("sum_own_block", blocks.to(at::kCPU)))
        .to(blocks.device());
  }

  at::Tensor gather(const at::Tensor& tensor) override {
    check("gather", tensor);
    return sent_to_all("gather", tensor.to(at::kCPU)).to(tensor.device());
  }

  void broadcast(at::Tensor& tensor, int64_t from) override {
    check("broadcast", tensor);
    std::vector<at::Tensor> all{tensor.to(at::kCPU)};
    waited("broadcast", [&] {
      c10d::BroadcastOptions options;
      options.rootRank = from;
      group_->broadcast(all, options)->wait();
    });
    if (!tensor.is_cpu()) {
      tensor.copy_(all[0]);
    }
  }

  void barrier() override {
    waited("barrier", [&] { group_->barrier()->wait(); });
  }

  std::shared_ptr<Communicator> split(int64_t color) override {
    const at::Tensor colors = gather(at::full({1}, color, at::kLong));
    const auto like = [&](int64_t ranks) {
      return colors.narrow(0, 0, ranks).eq(color).sum().item<int64_t>();
    };
    const int64_t number = splits_++;
    if (like(size()) == 1) {
      return std::make_shared<detail::OneProcess>();
    }
    return from_store(
        c10::make_intrusive<c10d::PrefixStore>(
            c10::str("split/", number, "/", color), store_),
        like(rank()),
        like(size()),
        options_);
  }

 private:
  static void check(const char* call, const at::Tensor& tensor) {
    TORCH_CHECK_VALUE(
        tensor.is_contiguous() && !tensor.requires_grad(),
        "Communicator: ",
        call,
        " takes contiguous tensors without a gradient.");
  }

  // Of blocks [P, ...] for each rank: what each has for this one.
  at::Tensor exchanged(const char* call, const at::Tensor& blocks) {
    at::Tensor received = at::empty_like(blocks);
    if (blocks.numel() == 0) {
      return received;
    }
    at::Tensor sent = blocks;
    waited(call, [&] {
      std::vector<int64_t> equal;
      group_->alltoall_base(received, sent, equal, equal)->wait();
    });
    return received;
  }

  // [P, ...]: what each rank has.
  at::Tensor sent_to_all(const char* call, const at::Tensor& tensor) {
    auto sizes = tensor.sizes().vec();
    sizes.insert(sizes.begin(), size());
    return exchanged(call, tensor.unsqueeze(0).expand(sizes).contiguous());
  }

  // In the order of the ranks, so that all get the same bits.
  static at::Tensor sum_of(const at::Tensor& blocks) {
    return blocks.sum(0, /*keepdim=*/false, blocks.scalar_type());
  }

  template <typename Calls>
  void waited(const char* call, const Calls& calls) {
    try {
      calls();
    } catch (const std::exception& error) {
      C10_THROW_ERROR(
          DistError,
          c10::str(
              "Communicator: rank ",
              rank(),
              " of ",
              size(),
              " lost the others in '",
              call,
              "': ",
              reason_of(error)));
    }
  }

  c10::intrusive_ptr<c10d::Store> store_;
  c10::intrusive_ptr<ProcessGroupGloo> group_;
  ProcessGroupOptions options_;
  int64_t splits_ = 0;
};

std::shared_ptr<gloo::transport::Device> device_for(const std::string& host) {
  if (!host.empty()) {
    return ProcessGroupGloo::createDeviceForHostname(host);
  }
  // As PyTorch has it.
  const char* interface = std::getenv("GLOO_SOCKET_IFNAME");
  return interface != nullptr && *interface != '\0'
      ? ProcessGroupGloo::createDeviceForInterface(interface)
      : ProcessGroupGloo::createDefaultDevice();
}

} // namespace

std::shared_ptr<Communicator> from_store(
    const c10::intrusive_ptr<c10d::Store>& store,
    int64_t rank,
    int64_t size,
    const ProcessGroupOptions& options) {
  TORCH_CHECK_VALUE(
      store != nullptr, "distributed::from_store: there is no store.");
  TORCH_CHECK_VALUE(
      size >= 1 && rank >= 0 && rank < size,
      "distributed::from_store: expected a rank from 0 to size - 1, but got ",
      rank,
      " of ",
      size,
      ".");
  auto own = ProcessGroupGloo::Options::create(options.timeout());
  try {
    own->devices.push_back(device_for(options.host()));
    return std::make_shared<GlooGroup>(
        store,
        c10::make_intrusive<ProcessGroupGloo>(
            store, static_cast<int>(rank), static_cast<int>(size), own),
        options);
  } catch (const std::exception& error) {
    C10_THROW_ERROR(
        DistError,
        c10::str(
            "distributed: rank ",
            rank,
            " of ",
            size,
            " could not join the others: ",
            reason_of(error)));
  }
}

} // namespace polytask::distributed
