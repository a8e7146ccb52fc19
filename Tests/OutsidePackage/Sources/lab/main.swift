import LearningToLearn

var catalog = Catalog.standard
catalog.problems += [.rosenbrock, .regression]
catalog.recipes.append(.valley)
LearningToLearn.run(catalog)
