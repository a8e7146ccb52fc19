import LearningToLearn

LearningToLearn.run()
