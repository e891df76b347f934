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
    (source,) = session.get_inputs()

    def predict(images):
        if list(images.shape) != source.shape:
            hint = "export it at that --img_height and --img_width, with --eval_batch_size 1"
            raise InputError(f"{path} takes {source.shape}, got {list(images.shape)}; {hint}")
        return session.run(None, {source.name: images})[0]

    return predict
