// SPDX-FileCopyrightText: 2026 the polytask authors
// SPDX-License-Identifier: BSD-3-Clause
#include <polytask/data/preparation.h>

#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rand.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <polytask/core/labels.h>
#include <polytask/data/csv.h>
#include <torch/serialize.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "tests/support/errors.h"
#include "tests/support/says.h"

namespace polytask::data {
namespace {

using ::polytask::testing::error_of;
using ::polytask::testing::says;
using Names = std::vector<std::string>;

Table csv_rows(const std::string& text) {
  std::istringstream stream(text);
  return parse_csv(stream, "rows.csv", CsvOptions().infer_categories(true));
}

const char* const kTrainRows =
    "age,hours,sex,workclass,price,income,grade\n"
    "20,40,Male,Private,10,<=50K,1\n"
    "30,?,Female,State-gov,20,>50K,2\n"
    "40,20,Male,?,?,<=50K,?\n"
    "50,30,Male,Private,30,?,10\n";

const char* const kNewRows =
    "sex,age,workclass,hours\n"
    "Other,35,Never-worked,?\n"
    "?,?,?,30\n";

PreparationOptions all_options() {
  return PreparationOptions()
      .numbers({"age", "hours"})
      .one_hot({"sex"})
      .ids({"workclass"})
      .target("price")
      .target_class("grade")
      .target_binary("income", ">50K");
}

Preparation fitted_on_train() {
  return Preparation::fit(csv_rows(kTrainRows), all_options());
}

at::Tensor row_of(std::vector<float> numbers) {
  return at::tensor(numbers);
}

TEST(Preparation, BringsTrainRowsToMeanZeroAndDeviationOne) {
  const Table table(
      {"a", "b", "c", "y"},
      at::rand({200, 4}, at::kDouble) * at::tensor({1e-3, 5., 1e4, 7.}) + 100);
  const auto preparation = Preparation::fit(
      table, PreparationOptions().numbers({"c", "a", "b"}).target("y"));
  const Dataset data = preparation.dataset(table);
  for (const at::Tensor& values : {data.input(), data.target("y")}) {
    EXPECT_LT(values.mean(0).abs().max().item<double>(), 1e-4);
    EXPECT_TRUE(at::allclose(
        values.std(0, /*unbiased=*/false), at::ones({values.size(1)}), 1e-4));
  }
}

TEST(Preparation, MakesNumbersAndIds) {
  const auto preparation = fitted_on_train();
  const Inputs inputs = preparation.inputs(csv_rows(kTrainRows));
  EXPECT_EQ(inputs.names(), (Names{"numbers", "ids"}));
  EXPECT_EQ(inputs["numbers"].scalar_type(), at::kFloat);
  EXPECT_TRUE(at::allclose(
      inputs["numbers"][1],
      row_of({-5.f / std::sqrt(125.f), 0, /*Female*/ 1, 0})));
  EXPECT_TRUE(at::equal(
      inputs["ids"], at::tensor({1, 2, 0, 1}, at::kLong).unsqueeze(1)));
  EXPECT_EQ(
      preparation.names(), (Names{"age", "hours", "sex=Female", "sex=Male"}));
  EXPECT_EQ(preparation.width(), 4);
  EXPECT_EQ(preparation.ids(), (Names{"workclass"}));
  EXPECT_EQ(preparation.id_sizes(), (std::vector<int64_t>{3}));
  EXPECT_EQ(
      preparation.vocabulary("workclass"), (Names{"Private", "State-gov"}));
  EXPECT_EQ(preparation.tasks(), (Names{"price", "grade", "income"}));
}

TEST(Preparation, MakesOneTensorWithoutIds) {
  const Table train = csv_rows(kTrainRows);
  const auto preparation = Preparation::fit(
      train, PreparationOptions().one_hot({"sex", "workclass"}));
  const Inputs inputs = preparation.inputs(train);
  ASSERT_TRUE(inputs.is_tensor());
  EXPECT_EQ(inputs.names(), (Names{"input"}));
  EXPECT_TRUE(at::equal(inputs.tensor()[0], row_of({0, 1, 1, 0})));
  EXPECT_TRUE(at::equal(inputs.tensor()[2], row_of({0, 1, 0, 0})));
}

TEST(Preparation, MakesIdsAlone) {
  const Table train = csv_rows(kTrainRows);
  const auto preparation =
      Preparation::fit(train, PreparationOptions().ids({"workclass", "sex"}));
  const Inputs inputs = preparation.inputs(train);
  EXPECT_EQ(inputs.names(), (Names{"ids"}));
  EXPECT_TRUE(at::equal(inputs["ids"][1], at::tensor({2, 1}, at::kLong)));
  EXPECT_EQ(preparation.width(), 0);
}

TEST(Preparation, HasAPlaceForWhatTheTrainRowsDoNotHave) {
  const Inputs inputs = fitted_on_train().inputs(csv_rows(kNewRows));
  EXPECT_TRUE(
      at::equal(inputs["ids"], at::tensor({0, 0}, at::kLong).unsqueeze(1)));
  EXPECT_TRUE(at::allclose(inputs["numbers"][0], row_of({0, 0, 0, 0})));
  EXPECT_TRUE(at::allclose(inputs["numbers"][1], row_of({0, 0, 0, 0})));
}

TEST(Preparation, LearnsTheCategoriesOfTheTrainRowsOnly) {
  const Table all = csv_rows(kTrainRows);
  const Table train = all.rows_at(at::tensor({0, 2}, at::kLong));
  const auto preparation =
      Preparation::fit(train, PreparationOptions().one_hot({"sex"}));
  EXPECT_EQ(preparation.names(), (Names{"sex=Male"}));
  EXPECT_TRUE(at::equal(
      preparation.inputs(all).tensor().flatten(), row_of({1, 0, 1, 1})));
}

TEST(Preparation, TakesMissingForACategoryWhenAsked) {
  const Table train = csv_rows(kTrainRows);
  const auto preparation = Preparation::fit(
      train,
      PreparationOptions()
          .one_hot({"sex", "workclass"})
          .ids({"workclass", "sex"})
          .missing_is_category(true));
  EXPECT_EQ(
      preparation.names(),
      (Names{
          "sex=Female",
          "sex=Male",
          "workclass=Private",
          "workclass=State-gov",
          "workclass is missing"}));
  EXPECT_EQ(preparation.id_sizes(), (std::vector<int64_t>{4, 3}));
  const Inputs inputs = preparation.inputs(train);
  EXPECT_TRUE(at::equal(inputs["numbers"][2], row_of({0, 1, 0, 0, 1})));
  EXPECT_TRUE(at::equal(inputs["ids"][2], at::tensor({3, 2}, at::kLong)));
  const Inputs others = preparation.inputs(csv_rows(kNewRows));
  EXPECT_TRUE(at::equal(others["numbers"][1], row_of({0, 0, 0, 0, 1})));
  EXPECT_TRUE(at::equal(others["ids"][0], at::tensor({0, 0}, at::kLong)));
}

TEST(Preparation, IndicatesWhatIsMissingWhenAsked) {
  const Table train = csv_rows(kTrainRows);
  const auto preparation = Preparation::fit(
      train, PreparationOptions().numbers({"age", "hours"}).indicators(true));
  EXPECT_EQ(preparation.names(), (Names{"age", "hours", "hours is missing"}));
  const at::Tensor values = preparation.inputs(train).tensor();
  EXPECT_TRUE(at::equal(values.select(1, 2), row_of({0, 1, 0, 0})));
  EXPECT_EQ(values[1][1].item<float>(), 0.f);
}

TEST(Preparation, TurnsAConstantColumnIntoZeros) {
  const Table train({"a", "y"}, at::tensor({3., 5., 3., 5.}).view({2, 2}));
  const auto preparation =
      Preparation::fit(train, PreparationOptions().numbers({"a"}).target("y"));
  EXPECT_TRUE(at::equal(preparation.inputs(train).tensor(), at::zeros({2, 1})));
  EXPECT_EQ(preparation.scale("y"), 0);
  EXPECT_TRUE(at::equal(
      preparation.answers("y", at::ones({2, 1})), at::ones({2, 1}) * 5));
}

TEST(Preparation, MakesTargetsWithMissingOnes) {
  const Dataset data = fitted_on_train().dataset(csv_rows(kTrainRows));
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const float far = std::sqrt(1.5f);
  EXPECT_TRUE(at::allclose(
      data.target("price"),
      row_of({-far, 0, nan, far}).unsqueeze(1),
      1e-5,
      1e-6,
      /*equal_nan=*/true));
  EXPECT_TRUE(at::equal(
      data.target("grade"),
      at::tensor({int64_t{0}, int64_t{1}, Labels::kIgnoreIndex, int64_t{2}})));
  EXPECT_TRUE(at::allclose(
      data.target("income"),
      row_of({0, 1, 0, nan}).unsqueeze(1),
      0,
      0,
      /*equal_nan=*/true));
}

TEST(Preparation, BringsAnswersBackToTheirUnits) {
  const auto preparation = fitted_on_train();
  EXPECT_DOUBLE_EQ(preparation.shift("price"), 20);
  EXPECT_DOUBLE_EQ(preparation.scale("price"), std::sqrt(200. / 3));
  const at::Tensor output = at::rand({5, 1});
  EXPECT_TRUE(at::allclose(
      preparation.answers("price", output),
      output * preparation.scale("price") + preparation.shift("price")));
  EXPECT_EQ(preparation.answers("price", at::rand({3})).dim(), 1);
  const at::Tensor logits = at::rand({2, 3});
  EXPECT_TRUE(
      at::equal(preparation.answers("grade", logits), at::softmax(logits, 1)));
  EXPECT_TRUE(at::equal(
      preparation.answers("income", at::zeros({2, 1})),
      at::zeros({2, 1}) + 0.5));
}

TEST(Preparation, NamesTheMostProbableClasses) {
  const auto preparation = fitted_on_train();
  EXPECT_EQ(preparation.vocabulary("grade"), (Names{"1", "2", "10"}));
  EXPECT_EQ(
      preparation.classes(
          "grade", at::tensor({0.f, 1.f, 2.f, 5.f, 1.f, 2.f}).view({2, 3})),
      (Names{"10", "1"}));
  EXPECT_EQ(
      preparation.classes("income", at::tensor({1.f, -1.f}).unsqueeze(1)),
      (Names{">50K", "<=50K"}));
  const auto graded = Preparation::fit(
      csv_rows(kTrainRows),
      PreparationOptions().numbers({"age"}).target_binary("grade", "10"));
  EXPECT_EQ(
      graded.classes("grade", at::tensor({1.f, -1.f})),
      (Names{"10", "not 10"}));
}

TEST(Preparation, RefusesOutputsAndTasksThatDoNotFit) {
  const auto preparation = fitted_on_train();
  EXPECT_TRUE(says(
      error_of([&] { preparation.answers("grade", at::rand({4, 2})); }),
      {"task 'grade'", "[n, 3]", "Float [4, 2]"}));
  EXPECT_TRUE(says(
      error_of([&] { preparation.answers("prize", at::rand({4})); }),
      {"no task 'prize'", "'price', 'grade', 'income'"}));
  EXPECT_TRUE(says(
      error_of([&] { preparation.classes("price", at::rand({4})); }),
      {"task 'price' has numbers"}));
  EXPECT_TRUE(says(
      error_of([&] { preparation.scale("grade"); }),
      {"task 'grade' has classes"}));
  EXPECT_TRUE(says(
      error_of([&] { preparation.vocabulary("age"); }),
      {"'age' is no column of categories", "'sex', 'workclass', 'grade'"}));
}

TEST(Preparation, RefusesAClassThatNoTrainRowHas) {
  const Table rows = csv_rows(
      "age,hours,sex,workclass,price,income,grade\n"
      "1,1,Male,Private,1,>50K.,3\n");
  EXPECT_TRUE(says(
      error_of([&] { fitted_on_train().dataset(rows); }),
      {"Preparation: target 'grade'", "'1', '2', '10'", "row 0"}));
  const Dataset data =
      Preparation::fit(
          csv_rows(kTrainRows), all_options().ignore_unknown_classes(true))
          .dataset(rows);
  EXPECT_EQ(data.target("grade").item<int64_t>(), Labels::kIgnoreIndex);
  EXPECT_TRUE(std::isnan(data.target("income").item<float>()));
}

TEST(Preparation, NeedsNoTargetsForInputs) {
  EXPECT_EQ(fitted_on_train().inputs(csv_rows(kNewRows)).rows(), 2);
  EXPECT_TRUE(says(
      error_of([] { fitted_on_train().dataset(csv_rows(kNewRows)); }),
      {"Preparation: ", "no column 'price'"}));
}

TEST(Preparation, NamesAColumnThatIsNotThereOrOfAnotherKind) {
  const auto preparation = fitted_on_train();
  const auto error = [&](const std::string& text) {
    return error_of([&] { preparation.inputs(csv_rows(text)); });
  };
  EXPECT_TRUE(says(
      error("age,sex,workclass\n1,Male,Private\n"),
      {"Preparation: ", "no column 'hours'"}));
  EXPECT_TRUE(says(
      error("age,hours,sex,workclass\n1,many,Male,Private\n"),
      {"Preparation: column 'hours' held numbers on the train rows, but holds "
       "categories"}));
  EXPECT_TRUE(says(
      error("age,hours,sex,workclass\n1,1,2,Private\n"),
      {"column 'sex' held categories on the train rows, but holds numbers",
       "CsvOptions().categories({'sex'})"}));
}

std::string fit_error(
    const PreparationOptions& options, const std::string& text = kTrainRows) {
  return error_of([&] { Preparation::fit(csv_rows(text), options); });
}

TEST(Preparation, NamesTheColumnThatCannotBeFitted) {
  EXPECT_TRUE(says(
      fit_error(PreparationOptions().numbers({"age", "sex"})),
      {"Preparation: column 'sex' holds categories, not numbers",
       "one_hot or ids",
       "target_class"}));
  EXPECT_TRUE(says(
      fit_error(PreparationOptions().numbers({"agee"})), {"no column 'agee'"}));
  const auto of_a = PreparationOptions().numbers({"b"});
  EXPECT_TRUE(says(
      fit_error(PreparationOptions(of_a).target("a"), "a,b\n?,1\n?,2\n"),
      {"column 'a' has no value on the train rows"}));
  EXPECT_TRUE(says(
      fit_error(PreparationOptions(of_a).target_class("a"), "a,b\n?,1\n"),
      {"column 'a' has no value on the train rows"}));
  EXPECT_TRUE(says(
      fit_error(of_a, "a,b\n1,inf\n"), {"column 'b' has an infinite value"}));
  EXPECT_TRUE(says(
      fit_error(PreparationOptions(of_a).target_binary("a", "x"), "a,b\ny,1\n"),
      {"target 'a'", "positive class 'x'", "'y'"}));
}

TEST(Preparation, RefusesOptionsThatCannotBe) {
  EXPECT_TRUE(
      says(fit_error(PreparationOptions()), {"Preparation: ", "got none"}));
  EXPECT_TRUE(says(
      fit_error(PreparationOptions().numbers({"age", "age"})),
      {"column 'age' comes twice in numbers"}));
  EXPECT_TRUE(says(
      fit_error(PreparationOptions().numbers({"age"}).target("age")),
      {"column 'age' is both an input and a target"}));
  EXPECT_TRUE(says(
      fit_error(
          PreparationOptions().numbers({"age"}).target("price").target_class(
              "price")),
      {"column 'price' comes twice in the targets"}));
  EXPECT_TRUE(says(
      error_of([] {
        Preparation::fit(
            csv_rows(kTrainRows).rows_at(at::zeros({0}, at::kLong)),
            PreparationOptions().numbers({"age"}));
      }),
      {"no row to train on"}));
}

TEST(Preparation, MakesADataSetForEachGroup) {
  const Table table =
      csv_rows("school,x,y,z\n12,1,10,1\n3,2,20,2\n12,3,30,3\n");
  const auto one =
      Preparation::fit(table, PreparationOptions().numbers({"x"}).target("y"));
  const auto parts = one.datasets(table, "school");
  ASSERT_EQ(parts.size(), 2);
  EXPECT_EQ(parts[0].tasks(), (Names{"school_3"}));
  EXPECT_EQ(parts[1].tasks(), (Names{"school_12"}));
  EXPECT_EQ(parts[1].size(), 2);
  EXPECT_TRUE(at::allclose(
      one.answers("y", parts[1].target("school_12")),
      at::tensor({10.f, 30.f}).unsqueeze(1)));
  const auto two = Preparation::fit(
      table, PreparationOptions().numbers({"x"}).target("y").target("z"));
  EXPECT_EQ(
      two.datasets(table, "school")[0].tasks(),
      (Names{"school_3_y", "school_3_z"}));
  EXPECT_TRUE(says(
      error_of([&] {
        one.datasets(csv_rows("school,x,y\n1,1,1\n?,1,1\n"), "school");
      }),
      {"column 'school'", "row 1 has none"}));
}

TEST(Preparation, NamesTasksWithoutADot) {
  const Table table = csv_rows("size,x,y\n0.5,1,10\n1,2,20\n");
  const auto preparation =
      Preparation::fit(table, PreparationOptions().numbers({"x"}).target("y"));
  EXPECT_EQ(
      preparation.datasets(table, "size")[0].tasks(), (Names{"size_0_5"}));
}

TEST(Preparation, HoldsNumbersWithinSomeDeviations) {
  const Table table = csv_rows("x,y\n-1,1\n1,2\n-1,3\n1,4\n");
  auto preparation = Preparation::fit(
      table, PreparationOptions().numbers({"x"}).target("y").clip(2));
  std::stringstream file;
  torch::save(preparation, file);
  Preparation loaded;
  torch::load(loaded, file);
  const Table rows = csv_rows("x\n-900\n0.5\n900\n?\n");
  for (const auto& each : {preparation, loaded}) {
    EXPECT_TRUE(at::equal(
        each.inputs(rows).tensor(),
        at::tensor({-2.f, 0.5f, 2.f, 0.f}).unsqueeze(1)));
  }
  EXPECT_TRUE(says(
      error_of([&] {
        Preparation::fit(table, PreparationOptions().numbers({"x"}).clip(-1));
      }),
      {"a finite clip of at least 0"}));
}

TEST(Preparation, TellsWhatItDoes) {
  std::ostringstream text;
  text << fitted_on_train();
  EXPECT_TRUE(says(
      text.str(),
      {"Preparation of 4 numbers and 1 ids",
       "numbers: 'age', 'hours'",
       "one-hot: 'sex' (2 categories)",
       "ids: 'workclass' (2 categories)",
       "target 'price': mean 20",
       "target 'grade': 3 classes",
       "target 'income': 1 for '>50K'"}));
}

void expect_same_preparation(
    const Preparation& loaded, const Preparation& fitted) {
  for (const char* const text : {kTrainRows, kNewRows}) {
    const Inputs expected = fitted.inputs(csv_rows(text));
    const Inputs inputs = loaded.inputs(csv_rows(text));
    EXPECT_TRUE(at::equal(inputs["numbers"], expected["numbers"]));
    EXPECT_TRUE(at::equal(inputs["ids"], expected["ids"]));
  }
  const Dataset expected = fitted.dataset(csv_rows(kTrainRows));
  const Dataset data = loaded.dataset(csv_rows(kTrainRows));
  for (const auto& task : fitted.tasks()) {
    EXPECT_TRUE(at::allclose(
        data.target(task), expected.target(task), 0, 0, /*equal_nan=*/true));
  }
  const at::Tensor output = at::rand({3, 1}, at::kDouble);
  EXPECT_TRUE(at::equal(
      loaded.answers("price", output), fitted.answers("price", output)));
  EXPECT_EQ(loaded.names(), fitted.names());
  std::ostringstream told;
  std::ostringstream told_again;
  told << fitted;
  told_again << loaded;
  EXPECT_EQ(told.str(), told_again.str());
}

TEST(Preparation, IsSavedAndLoadedToTheBit) {
  const auto fitted = Preparation::fit(
      csv_rows(kTrainRows),
      all_options().indicators(true).missing_is_category(true));
  std::stringstream stream;
  torch::save(fitted, stream);
  Preparation loaded;
  torch::load(loaded, stream);
  expect_same_preparation(loaded, fitted);
}

TEST(Preparation, IsTheSameFromItsJson) {
  for (const bool all : {false, true}) {
    const auto fitted = Preparation::fit(
        csv_rows(kTrainRows),
        all_options()
            .indicators(all)
            .missing_is_category(all)
            .clip(all ? 0.7 : 0)
            .ignore_unknown_classes(all));
    const auto read = Preparation::from_json(fitted.json());
    expect_same_preparation(read, fitted);
    EXPECT_EQ(read.json(), fitted.json());
  }
  EXPECT_TRUE(says(
      error_of([] { Preparation::from_json("{}"); }),
      {"Preparation: from_json", "version"}));
  EXPECT_TRUE(says(
      error_of([] { Preparation::from_json("{\"version\": 9}"); }),
      {"Preparation: from_json", "version 9"}));
}

TEST(Preparation, RefusesJsonWhoseNumbersAreOutOfOrder) {
  const auto of = [](const std::string& categories) {
    return R"({"version": 1, "numbers": [], "clip": 0, "one_hot": [{"column": "rooms", "categories": )" +
        categories +
        R"(, "of_numbers": true}], "ids": [], "targets": [], "ignore_unknown_classes": false})";
  };
  EXPECT_EQ(Preparation::from_json(of(R"(["1", "2.5"])")).width(), 2);
  for (const auto* bad :
       {R"(["2.5", "1"])", R"(["1", "1.0"])", R"(["one"])", R"(["nan"])"}) {
    EXPECT_TRUE(says(
        error_of([&] { Preparation::from_json(of(bad)); }),
        {"from_json", "'rooms'", "ascending"}))
        << bad;
  }
}

TEST(Preparation, IsSavedWithoutNumbersOrTargets) {
  const Table train = csv_rows(kTrainRows);
  std::stringstream stream;
  torch::save(
      Preparation::fit(train, PreparationOptions().ids({"sex"})), stream);
  Preparation loaded;
  torch::load(loaded, stream);
  EXPECT_EQ(loaded.inputs(train).names(), (Names{"ids"}));
  EXPECT_TRUE(says(
      error_of([&] { loaded.dataset(train); }),
      {"the options name no target"}));
}

TEST(Preparation, RefusesTheArchiveOfAnythingElse) {
  std::stringstream stream;
  torch::save(at::zeros({2}), stream);
  auto preparation = fitted_on_train();
  EXPECT_TRUE(says(
      error_of([&] { torch::load(preparation, stream); }),
      {"Preparation: expected the text 'kind' in the archive"}));
  EXPECT_EQ(preparation.width(), 4);
}

TEST(Preparation, CanDoNothingBeforeItIsFitted) {
  const Preparation preparation;
  std::stringstream stream;
  EXPECT_TRUE(says(
      error_of([&] { preparation.inputs(csv_rows(kTrainRows)); }),
      {"Preparation: inputs: it has no columns yet"}));
  EXPECT_TRUE(says(
      error_of([&] { torch::save(preparation, stream); }), {"no columns yet"}));
  stream << preparation;
  EXPECT_TRUE(says(stream.str(), {"of no column yet"}));
}

} // namespace
} // namespace polytask::data
