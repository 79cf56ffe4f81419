# What the binding uses of the core. Whatever may throw is declared `except +ToPython`.
from libc.stdint cimport int32_t, int64_t, uint64_t
from libcpp cimport bool as cbool
from libcpp.vector cimport vector


cdef extern from "custom_ops/tmc/python/errors.h" namespace "tfsp::tmc" nogil:
    void ToPython()


cdef extern from "custom_ops/tmc/core/error.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Error:
        cbool ok()
        # In place: nothing catches what the copy of a string throws.
        const char* text "message().data"()
        size_t length "message().size"()


cdef extern from "custom_ops/tmc/core/tree.h" namespace "tfsp::tmc" nogil:
    cdef cppclass CTree "tfsp::tmc::Tree":
        int num_leaves
        int num_nodes
        int root
        vector[int32_t] parent
        vector[double] time
    Error BuildTree(int, const int32_t*, const double*, CTree*) except +ToPython
    Error CheckLengths(int64_t, int64_t, int64_t, int*) except +ToPython
    Error CheckFinite[T](const char*, const T*, int64_t, int64_t) except +ToPython


cdef extern from "custom_ops/tmc/core/simd.h" namespace "tfsp::tmc" nogil:
    cdef enum class Isa:
        kAuto
        kPortable
    cbool UseAvx2(Isa)


cdef extern from "custom_ops/tmc/core/buffer.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Buffer[T]:
        void Resize(size_t, size_t) except +ToPython
        T* data()


cdef extern from "custom_ops/tmc/core/priors.h" namespace "tfsp::tmc" nogil:
    cdef enum class EdgeWeights:
        kPrior
        kBayes
    Error CheckConcentrations(double, double) except +ToPython
    double TopologyLogProb(const CTree&) except +ToPython
    double TimeLogProb(const CTree&, double, double) except +ToPython
    void EdgeLogProb(const CTree&, EdgeWeights, double, double, double*) except +ToPython
    double AttachmentTimeLogProb(const CTree&, int, double, double, double) except +ToPython


cdef extern from "custom_ops/tmc/core/messages.h" namespace "tfsp::tmc" nogil:
    cdef cppclass UpwardVariances:
        vector[double] variance
    cdef cppclass DownwardVariances:
        vector[double] posterior
        vector[double] cavity
    void ComputeUpwardVariances(const CTree&, UpwardVariances*) except +ToPython
    void ComputeDownwardVariances(const CTree&, const UpwardVariances&,
                                  DownwardVariances*) except +ToPython
    double UpwardMeans(const CTree&, const UpwardVariances&, const double*, int64_t, double*,
                       Isa) except +ToPython
    void LikelihoodGradient(const CTree&, const UpwardVariances&, const double*, int64_t,
                            const double*, double*, Isa) except +ToPython


cdef extern from "custom_ops/tmc/core/posterior.h" namespace "tfsp::tmc" nogil:
    double NodePosteriorMeans(const CTree&, const UpwardVariances&, const DownwardVariances&,
                              const double*, int64_t, double*, Isa) except +ToPython
    void NodePosteriorAdjoint(const CTree&, const UpwardVariances&, const DownwardVariances&,
                              const double*, int64_t, double*, Isa) except +ToPython
    void LeaveOneOutVariances(const CTree&, const DownwardVariances&, double*) except +ToPython
    double ExpectedLikelihoodOffset(const CTree&, const double*, const double*,
                                    int64_t) except +ToPython


cdef extern from "custom_ops/tmc/core/quadrature.h" namespace "tfsp::tmc" nogil:
    cdef cppclass QuadratureOptions:
        double concentration1, concentration0
        int leaf_nodes, internal_nodes
        double variance_floor, added_variance
        EdgeWeights edge_weights
    Error CheckOptions(const QuadratureOptions&) except +ToPython
    int64_t NumQuadratureNodes(int, const QuadratureOptions&) except +ToPython
    void WriteQuadrature(const CTree&, const UpwardVariances&, const DownwardVariances&,
                         const QuadratureOptions&, int32_t*, double*, double*, double*, double*,
                         Isa) except +ToPython


cdef extern from "custom_ops/tmc/core/predictive.h" namespace "tfsp::tmc" nogil:
    cdef cppclass PredictiveTable[T]:
        int64_t dim
        int num_tree_nodes
        int64_t num_entries
    cdef cppclass PredictiveOutputs[T]:
        T* log_prob
        T* z_gradient
        T* node_weight
        T* spread_weight
        T* edge_log_prob
        T* entry_log_prob
    void BuildPredictiveTable[T](const CTree&, const UpwardVariances&, const DownwardVariances&,
                                 const double*, int64_t, const QuadratureOptions&,
                                 PredictiveTable[T]*, Isa) except +ToPython
    void PredictiveRows[T](const PredictiveTable[T]&, const T*, int64_t, int64_t,
                           const PredictiveOutputs[T]&, Isa) except +ToPython
    void MeansGradient[T](const PredictiveTable[T]&, const T*, const T*, int64_t, const T*,
                          int64_t, int64_t, double*, Isa) except +ToPython
    void AddSpreadGradient[T](const PredictiveTable[T]&, const double*, const T*, int64_t,
                              const T*, double*) except +ToPython


cdef extern from "custom_ops/tmc/core/random.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Random:
        Random(uint64_t, uint64_t) except +ToPython


cdef extern from "custom_ops/tmc/core/sampler_state.h" namespace "tfsp::tmc" nogil:
    cdef cppclass LogJointParts:
        double likelihood
        double topology
        double times


cdef extern from "custom_ops/tmc/core/sampler.h" namespace "tfsp::tmc" nogil:
    cdef cppclass SamplerOptions:
        double concentration1, concentration0
        double mixture[4]
        int64_t num_moves
        uint64_t seed[2]
        double min_remaining
        int64_t refresh_every
        cbool portable_kernels
        vector[int32_t] triplets
    cdef cppclass SamplerResult:
        double log_joint, drift
        LogJointParts parts
        int64_t accepted[4]
        int64_t proposed[4]
    cdef cppclass SamplerTrace:
        int64_t every
        cbool trees
        vector[double] log_joint
        vector[int32_t] parent
        vector[double] time
    Error RunSampler(const SamplerOptions&, int, const double*, const double*, CTree*,
                      SamplerResult*, SamplerTrace*) except +ToPython


cdef extern from "custom_ops/tmc/core/triplets.h" namespace "tfsp::tmc" nogil:
    Error CheckTriplets(const int32_t*, int64_t, int) except +ToPython
    void Satisfied(const CTree&, const int32_t*, int64_t, cbool*) except +ToPython


cdef extern from "custom_ops/tmc/core/simulate.h" namespace "tfsp::tmc" nogil:
    Error SamplePrior(int, double, double, Random*, CTree*, double) except +ToPython
    void SampleLeaves(const CTree&, int64_t, Random*, double*) except +ToPython
    Error SamplePredictive(const CTree&, int64_t, const double*, double, double, EdgeWeights,
                            int64_t, Random*, int32_t*, double*, double*) except +ToPython


cdef extern from "custom_ops/tmc/core/surgery.h" namespace "tfsp::tmc" nogil:
    cdef cppclass LeafPlace:
        int edge
        double time
        int leaf
        int node
    Error AttachLeaf(const CTree&, LeafPlace, CTree*) except +ToPython
    Error PruneLeaf(const CTree&, int, CTree*, LeafPlace*) except +ToPython


cdef extern from "custom_ops/tmc/core/summary.h" namespace "tfsp::tmc" nogil:
    cdef cppclass LeafOrder:
        pass
    void OrderLeaves(const CTree&, LeafOrder*) except +ToPython
    void AddLcaTimes(const CTree&, const LeafOrder&, double*, double*) except +ToPython
    void TransferDistances(const CTree&, const LeafOrder&, const CTree&, const LeafOrder&,
                           vector[int32_t]*, int32_t*) except +ToPython


cdef extern from "custom_ops/tmc/core/linkage.h" namespace "tfsp::tmc" nogil:
    cdef cppclass Merge:
        int32_t gone
        int32_t kept
        double distance
    void LinkGraph(int32_t, const int64_t*, const int32_t*, const double*,
                   vector[Merge]*) except +ToPython
