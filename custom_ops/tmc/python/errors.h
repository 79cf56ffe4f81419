// What the core throws, as exceptions of Python. Cython calls `ToPython` in the catch block
// around every extern declared `except +ToPython`.
#ifndef TFSP_TMC_PYTHON_ERRORS_H_
#define TFSP_TMC_PYTHON_ERRORS_H_

#include <Python.h>

#include <exception>
#include <new>
#include <stdexcept>

namespace tfsp::tmc {

// Cython's own translation would make a RuntimeError of a vector that is too long to exist.
inline void ToPython() noexcept {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::length_error&) {
    PyErr_NoMemory();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  } catch (...) {
    PyErr_SetString(PyExc_RuntimeError, "The TMC core threw something that is no exception.");
  }
}

}  // namespace tfsp::tmc

#endif  // TFSP_TMC_PYTHON_ERRORS_H_
