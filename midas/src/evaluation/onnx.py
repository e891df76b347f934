"""ONNX graphs in place of the network, through onnxruntime."""

from ..model_utils.errors import InputError, one_line


def onnx_predict(path):
    """Function of (B, 3, h, w) float32 that returns (B, h, w), computed by an ONNX graph.

    Raises:
        InputError: onnxruntime is not installed, or the file is no graph.
    """
    try:
        import onnxruntime
    except ImportError:
        raise InputError("ONNX graphs need onnxruntime: pip install onnxruntime") from None
    try:
        session = onnxruntime.InferenceSession(
            path, providers=onnxruntime.get_available_providers()
        )
    except Exception as err:  # onnxruntime has a class of its own for each reason
        raise InputError(f"{path}: no ONNX graph: {one_line(err)}") from None
    inputs, outputs = session.get_inputs(), session.get_outputs()
    if len(inputs) != 1 or not outputs:
        count = f"{len(inputs)} inputs and {len(outputs)} outputs"
        raise InputError(f"{path}: {count}, expected one of each; it is no graph of MiDaS")
    source = inputs[0]

    def predict(images):
        if list(images.shape) != source.shape:
            hint = "export it at that --img_height and --img_width, with --eval_batch_size 1"
            raise InputError(f"{path} takes {source.shape}, got {list(images.shape)}; {hint}")
        try:
            return session.run(None, {source.name: images})[0]
        except Exception as err:  # as above
            raise InputError(f"{path} cannot be run: {one_line(err)}; export it again") from None

    return predict
