// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/distributed/process_group.h>

#include <c10/util/Exception.h>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>

#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

namespace polytask::distributed {

namespace {

using c10d::ProcessGroupGloo;

std::string reason_of(const std::exception& error) {
  const auto* own = dynamic_cast<const c10::Error*>(&error);
  return own != nullptr ? own->what_without_backtrace() : error.what();
}

class GlooGroup : public Communicator {
 public:
  explicit GlooGroup(c10::intrusive_ptr<ProcessGroupGloo> group)
      : group_(std::move(group)) {}

  int64_t rank() const override {
    return group_->getRank();
  }
  int64_t size() const override {
    return group_->getSize();
  }

  void sum(at::Tensor& tensor) override {
    check("sum", tensor);
    wait("sum", [&] {
      std::vector<at::Tensor> all{tensor};
      return group_->allreduce(all);
    });
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
    // Each rank adds up what the others send it, in their order.
    at::Tensor received = at::empty_like(blocks);
    at::Tensor sent = blocks;
    wait("sum_own_block", [&] {
      std::vector<int64_t> counts;
      return group_->alltoall_base(received, sent, counts, counts);
    });
    return received.sum(0);
  }

  at::Tensor gather(const at::Tensor& tensor) override {
    check("gather", tensor);
    auto sizes = tensor.sizes().vec();
    sizes.insert(sizes.begin(), size());
    at::Tensor all = at::empty(sizes, tensor.options());
    wait("gather", [&] {
      std::vector<std::vector<at::Tensor>> outputs{all.unbind(0)};
      std::vector<at::Tensor> own{tensor};
      return group_->allgather(outputs, own);
    });
    return all;
  }

  void broadcast(at::Tensor& tensor) override {
    check("broadcast", tensor);
    wait("broadcast", [&] {
      std::vector<at::Tensor> all{tensor};
      return group_->broadcast(all);
    });
  }

  void barrier() override {
    wait("barrier", [&] { return group_->barrier(); });
  }

 private:
  static void check(const char* call, const at::Tensor& tensor) {
    TORCH_CHECK_VALUE(
        tensor.is_cpu() && tensor.is_contiguous() && !tensor.requires_grad(),
        "Communicator: ",
        call,
        " takes contiguous tensors on the CPU without a gradient.");
  }

  // Starts a call and waits for it.
  template <typename Begin>
  void wait(const char* call, const Begin& begin) {
    try {
      begin()->wait();
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

  c10::intrusive_ptr<ProcessGroupGloo> group_;
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
    return std::make_shared<GlooGroup>(c10::make_intrusive<ProcessGroupGloo>(
        store, static_cast<int>(rank), static_cast<int>(size), own));
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
