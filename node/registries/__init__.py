"""Discovery services as the node runs them: definition files, background work, routes.

What is decided about registrations and logs is in ``registry``; here it meets files, the network and time.
"""
