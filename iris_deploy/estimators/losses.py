"""What dumps of many families hold, and none is read by alone.

Losses, links, sparse arrays, generators of random numbers.
"""

from iris_deploy.estimators.family import Part

_SGD = (
    *("EpsilonInsensitive", "Hinge", "Huber", "Log", "ModifiedHuber"),
    *("SquaredEpsilonInsensitive", "SquaredHinge", "SquaredLoss"),
)
_NAMES = (
    *("AbsoluteError", "HalfBinomialLoss", "HalfGammaLoss", "HalfMultinomialLoss"),
    *("HalfPoissonLoss", "HalfSquaredError", "HalfTweedieLoss", "HalfTweedieLossIdentity"),
    *("HuberLoss", "PinballLoss", "ExponentialLoss"),
)
_LINKS = ("IdentityLink", "Interval", "LogLink", "LogitLink", "HalfLogitLink", "MultinomialLogit")
_LOSSES_OF_GRADIENT_BOOSTING = (
    *("BinomialDeviance", "MultinomialDeviance", "ExponentialLoss", "LeastSquaresError"),
    *("LeastAbsoluteError", "HuberLossFunction", "QuantileLossFunction"),
)

FAMILY = (
    *(
        Part(
            name=f"sklearn.linear_model.{loss}",
            modules=("sklearn.linear_model._sgd_fast", "sklearn.linear_model.sgd_fast"),
        )
        for loss in _SGD
    ),
    *(
        Part(name=f"sklearn._loss.{name}", modules=("sklearn._loss._loss", "_loss"))  # 1.6 to 1.8
        for loss in _NAMES
        for name in (f"Cy{loss}", f"__pyx_unpickle_Cy{loss}")
    ),
    *(Part(name=f"sklearn._loss.loss.{loss}", modules=("sklearn._loss.loss",)) for loss in _NAMES),
    *(Part(name=f"sklearn._loss.link.{link}", modules=("sklearn._loss.link",)) for link in _LINKS),
    *(
        Part(name=f"sklearn.ensemble.{loss}", modules=("sklearn.ensemble._gb_losses",))
        for loss in _LOSSES_OF_GRADIENT_BOOSTING
    ),
    *(
        Part(name=f"scipy.sparse.{name}", modules=("scipy.sparse._csr", "scipy.sparse.csr"))
        for name in ("csr_array", "csr_matrix")
    ),
    *(
        Part(name=f"numpy.random.{name}", modules=("numpy.random._pickle",))
        for name in ("__bit_generator_ctor", "__generator_ctor", "__randomstate_ctor")
    ),
    *(
        Part(name=f"numpy.random.{name}", modules=("numpy.random.bit_generator",))
        for name in ("SeedSequence", "__pyx_unpickle_SeedSequence")
    ),
    Part(name="numpy.random.MT19937", modules=("numpy.random._mt19937",)),
    Part(name="numpy.random.PCG64", modules=("numpy.random._pcg64",)),
    Part(name="functools.partial", modules=("functools",)),
    Part(name="sklearn.utils.validation.check_array", modules=("sklearn.utils.validation",)),
)
