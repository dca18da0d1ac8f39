// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
// What `torch.ops.load_library` finds: the class torch.classes.polytask
// .Balancing and the operators in torch.ops.polytask.
#include <c10/util/StringUtil.h>
#include <torch/library.h>

#include <polytask/balancing/make.h>

#include "balancing_object.h"
#include "solvers.h"

namespace polytask::python {

namespace {

using Self = c10::intrusive_ptr<BalancingObject>;

void register_class(torch::Library& library) {
  using torch::arg;
  library.class_<BalancingObject>("Balancing")
      .def(
          torch::init<std::string, const std::optional<Options>&>(),
          "A method by its name and options.",
          {arg("name"), arg("options") = arg::none()})
      .def("name", &BalancingObject::name)
      .def(
          "options",
          [](const Self& self) { return to_options(self->method().options()); },
          "All its options as they hold: Balancing(name(), options()) is such "
          "a method again.")
      .def(
          "__repr__", [](const Self& self) { return c10::str(self->method()); })
      .def("__str__", [](const Self& self) { return c10::str(self->method()); })
      .def("reads", &BalancingObject::reads, "losses, gramian or jacobian.")
      .def(
          "weights",
          &BalancingObject::weights,
          "[T], from the losses [T] or the Gramian [T, T].",
          {arg("gramian_or_losses"), arg("extras") = arg::none()})
      .def(
          "direction",
          &BalancingObject::direction,
          "The update [...] for a Jacobian [T, ...].",
          {arg("jacobian"), arg("extras") = arg::none()})
      .def(
          "scalarize",
          &BalancingObject::scalarize,
          "The scalar to minimise, with its graph, from the losses [T].",
          {arg("losses"), arg("extras") = arg::none()})
      .def(
          "last_weights",
          &BalancingObject::last_weights,
          "The weights [T] of a Gramian method's last call.")
      .def(
          "repeat",
          &BalancingObject::repeat,
          "The weights [T] for a step without gradients.")
      .def(
          "prepare",
          [](const Self& self, int64_t tasks) {
            self->method().prepare(tasks);
          },
          "Sets up what is kept for so many tasks.",
          {arg("tasks")})
      .def(
          "parameters",
          [](const Self& self) { return self->method().parameters(); },
          "To be trained with the model's; none before prepare or a step.")
      .def(
          "observe_after",
          [](const Self& self, const at::Tensor& losses) {
            self->method().observe_after(losses);
          },
          "Takes the losses of the same batch after the update.",
          {arg("losses")})
      .def("end_epoch", [](const Self& self) { self->method().end_epoch(); })
      .def("reset", [](const Self& self) { self->method().reset(); })
      .def(
          "seed",
          [](const Self& self, int64_t seed) {
            self->method().seed(static_cast<uint64_t>(seed));
          },
          "Starts its random numbers anew.",
          {arg("seed")})
      .def(
          "to",
          [](const Self& self, at::Device device) {
            self->method().to(device);
          },
          "Moves what is kept in the parameters' size.",
          {arg("device")})
      .def(
          "wants_losses",
          [](const Self& self) { return self->method().wants_losses(); },
          "Whether it needs 'losses' among the extras.")
      .def(
          "wants_losses_after",
          [](const Self& self) { return self->method().wants_losses_after(); },
          "Whether observe_after is to be called.")
      .def(
          "wants_gradients",
          [](const Self& self) { return self->method().wants_gradients(); },
          "If not, repeat gives the weights of the next step.")
      .def(
          "wants_representation",
          [](const Self& self) {
            return self->method().wants_representation();
          },
          "Whether its rows are gradients for a representation.")
      .def(
          "batches",
          [](const Self& self) { return self->method().batches(); },
          "How many independent batches a step needs.")
      .def(
          "state",
          [](const Self& self) { return to_dict(self->method().state()); },
          "All that the method needs to go on where it was.")
      .def(
          "load_state",
          [](const Self& self, const Tensors& state) {
            self->method().load_state(to_map(state));
          },
          "",
          {arg("state")})
      .def_pickle(
          [](const Self& self) { return self->pickle(); },
          [](const BalancingObject::Pickle& pickle) {
            return BalancingObject::unpickle(pickle);
          });
}

} // namespace

TORCH_LIBRARY(polytask, library) {
  register_class(library);
  library.def("balancing_names() -> str[]", &balancing::names);
  library.def(
      "dual_cone_projection(Tensor gramian, Tensor u) -> Tensor",
      &dual_cone_projection);
  library.def("min_norm_point(Tensor gramian) -> Tensor", &min_norm_point);
  library.def(
      "simplex_projection(Tensor values) -> Tensor", &simplex_projection);
}

} // namespace polytask::python
