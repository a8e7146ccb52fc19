import LearningToLearn
import Parts

var catalog = Catalog.standard
catalog.problems += [.rosenbrock, .regression]
catalog.optimizers.append(.trust)
catalog.estimators.append(.oneSided)
catalog.recipes.append(.valley)
LearningToLearn.run(catalog)
