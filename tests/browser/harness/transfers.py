"""A page as in a browser that cannot transfer data channels, so that it proxies them."""

from __future__ import annotations

__all__ = ["ALLOW_TRANSFERS", "REFUSE_TRANSFERS"]

REFUSE_TRANSFERS = """
    const { postMessage } = MessagePort.prototype;
    window.transfersRefused = 0;
    window.allowTransfers = () => void (MessagePort.prototype.postMessage = postMessage);
    MessagePort.prototype.postMessage = function (message, transfer = []) {
        if (transfer.length === 0) return postMessage.call(this, message);
        window.transfersRefused++;
        throw new DOMException("as a browser without it", "DataCloneError");
    };
"""
"""Counts them in `transfersRefused`."""

ALLOW_TRANSFERS = "window.allowTransfers()"
