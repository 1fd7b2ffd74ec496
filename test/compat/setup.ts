process.env.EA_PORT = '0'
process.env.METRICS_ENABLED = 'false'
process.env.LOG_LEVEL = 'fatal'
