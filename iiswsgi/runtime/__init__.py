"""The process around the gateway: settings, log, standard streams, shutdown."""
