package hazel.region;

import ca.uhn.fhir.batch2.jobs.config.Batch2JobsConfig;
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.context.support.IValidationSupport;
import ca.uhn.fhir.jpa.api.config.JpaStorageSettings;
import ca.uhn.fhir.jpa.api.config.ThreadPoolFactoryConfig;
import ca.uhn.fhir.jpa.api.dao.IFhirSystemDao;
import ca.uhn.fhir.jpa.batch2.JpaBatch2Config;
import ca.uhn.fhir.jpa.config.HapiJpaConfig;
import ca.uhn.fhir.jpa.config.dstu3.JpaDstu3Config;
import ca.uhn.fhir.jpa.config.r4.JpaR4Config;
import ca.uhn.fhir.jpa.config.util.HapiEntityManagerFactoryUtil;
import ca.uhn.fhir.jpa.model.config.PartitionSettings;
import ca.uhn.fhir.jpa.model.config.SubscriptionSettings;
import ca.uhn.fhir.jpa.model.dialect.HapiFhirH2Dialect;
import ca.uhn.fhir.jpa.provider.JpaCapabilityStatementProvider;
import ca.uhn.fhir.jpa.provider.dstu3.JpaConformanceProviderDstu3;
import ca.uhn.fhir.jpa.search.DatabaseBackedPagingProvider;
import ca.uhn.fhir.jpa.subscription.channel.config.SubscriptionChannelConfig;
import ca.uhn.fhir.jpa.subscription.match.config.SubscriptionProcessorConfig;
import ca.uhn.fhir.jpa.subscription.match.deliver.email.IEmailSender;
import ca.uhn.fhir.jpa.subscription.submit.config.SubscriptionSubmitterConfig;
import ca.uhn.fhir.rest.api.EncodingEnum;
import ca.uhn.fhir.rest.server.RestfulServer;
import ca.uhn.fhir.rest.server.provider.ResourceProviderFactory;
import ca.uhn.fhir.rest.server.util.ISearchParamRegistry;
import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import jakarta.persistence.EntityManagerFactory;
import java.io.IOException;
import java.io.InputStream;
import java.io.PrintStream;
import java.util.Properties;
import javax.sql.DataSource;
import org.eclipse.jetty.ee10.servlet.ServletContextHandler;
import org.eclipse.jetty.ee10.servlet.ServletHolder;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.h2.jdbcx.JdbcConnectionPool;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.AnnotationConfigApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.orm.jpa.JpaTransactionManager;
import org.springframework.orm.jpa.LocalContainerEntityManagerFactoryBean;

/**
 * HAPI FHIR's JPA server on 127.0.0.1, with its data in memory: a care organisation's own FHIR server that nobody here
 * wrote. It has no access control whatever, on purpose: that is the node's work.
 *
 * <p>Usage: {@code java hazel.region.HapiServer r4|stu3 PORT}, with port 0 for any free one. The port is the only line on
 * standard output, printed once the server accepts requests; everything else goes to standard error. The process ends
 * when its standard input does, so it never outlives the one who started it.
 */
public final class HapiServer {
    private static final int CONNECTIONS = 40;

    private HapiServer() {}

    public static void main(String[] arguments) {
        endWithStandardInput();
        PrintStream announcements = System.out;
        System.setOut(System.err); // libraries print what they like, but not where the port is read
        ((Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME)).setLevel(Level.WARN);
        try {
            announcements.println(serve(arguments[0].equals("r4"), Integer.parseInt(arguments[1])));
            announcements.close();
        } catch (Exception failure) {
            failure.printStackTrace();
            Runtime.getRuntime().halt(1); // HAPI's own threads would go on without a server
        }
    }

    /** Starts everything and returns the port. */
    private static int serve(boolean r4, int port) throws Exception {
        Server jetty = new Server();
        ServerConnector connector = new ServerConnector(jetty);
        connector.setHost("127.0.0.1");
        connector.setPort(port);
        connector.open(); // a port that is taken is known now, not in half a minute
        jetty.addConnector(connector);

        // Lives as long as the process: there is nothing to close that exiting does not.
        ApplicationContext beans = new AnnotationConfigApplicationContext(r4 ? R4.class : Stu3.class);
        RestfulServer fhir = r4 ? r4Server(beans) : stu3Server(beans);
        fhir.registerProviders(beans.getBean(ResourceProviderFactory.class).createProviders());
        fhir.setPagingProvider(beans.getBean(DatabaseBackedPagingProvider.class));
        fhir.setDefaultResponseEncoding(EncodingEnum.JSON);

        ServletContextHandler servlets = new ServletContextHandler();
        servlets.addServlet(new ServletHolder(fhir), "/fhir/*");
        jetty.setHandler(servlets);
        jetty.start();
        return connector.getLocalPort();
    }

    @SuppressWarnings("unchecked")
    private static RestfulServer r4Server(ApplicationContext beans) {
        RestfulServer fhir = new RestfulServer(beans.getBean(FhirContext.class));
        fhir.registerProvider(beans.getBean("mySystemProviderR4"));
        fhir.setServerConformanceProvider(new JpaCapabilityStatementProvider(
                fhir,
                beans.getBean("mySystemDaoR4", IFhirSystemDao.class),
                beans.getBean(JpaStorageSettings.class),
                beans.getBean(ISearchParamRegistry.class),
                beans.getBean(IValidationSupport.class)));
        return fhir;
    }

    @SuppressWarnings("unchecked")
    private static RestfulServer stu3Server(ApplicationContext beans) {
        RestfulServer fhir = new RestfulServer(beans.getBean(FhirContext.class));
        fhir.registerProvider(beans.getBean("mySystemProviderDstu3"));
        fhir.setServerConformanceProvider(new JpaConformanceProviderDstu3(
                fhir,
                beans.getBean("mySystemDaoDstu3", IFhirSystemDao.class),
                beans.getBean(JpaStorageSettings.class),
                beans.getBean(ISearchParamRegistry.class)));
        return fhir;
    }

    private static void endWithStandardInput() {
        InputStream input = System.in;
        Thread watch = new Thread(() -> {
            try {
                while (input.read() != -1) {
                    // Nothing is said here; only the end means something.
                }
            } catch (IOException gone) {
                // The same: whoever started us is no longer there.
            }
            Runtime.getRuntime().halt(0);
        });
        watch.setDaemon(true);
        watch.start();
    }

    @Configuration
    @Import({Storage.class, JpaR4Config.class})
    static class R4 {}

    @Configuration
    @Import({Storage.class, JpaDstu3Config.class})
    static class Stu3 {}

    /** What HAPI asks its host to decide: where data is kept and how forgiving it is. */
    @Configuration
    @Import({
        HapiJpaConfig.class,
        JpaBatch2Config.class,
        Batch2JobsConfig.class,
        ThreadPoolFactoryConfig.class,
        SubscriptionChannelConfig.class,
        SubscriptionSubmitterConfig.class,
        SubscriptionProcessorConfig.class
    })
    static class Storage {
        @Bean
        JpaStorageSettings storageSettings() {
            JpaStorageSettings settings = new JpaStorageSettings();
            // Resources keep the ids they come with, and may name others that are kept elsewhere in the region.
            settings.setResourceClientIdStrategy(JpaStorageSettings.ClientIdStrategyEnum.ANY);
            settings.setEnforceReferentialIntegrityOnWrite(false);
            settings.setEnforceReferentialIntegrityOnDelete(false);
            settings.setAllowExternalReferences(true);
            return settings;
        }

        @Bean
        PartitionSettings partitionSettings() {
            return new PartitionSettings();
        }

        @Bean
        SubscriptionSettings subscriptionSettings() {
            return new SubscriptionSettings();
        }

        @Bean
        IEmailSender emailSender() {
            return details -> {}; // subscriptions by e-mail end here
        }

        @Bean
        DataSource dataSource() {
            JdbcConnectionPool pool = JdbcConnectionPool.create("jdbc:h2:mem:records;DB_CLOSE_DELAY=-1", "sa", "");
            pool.setMaxConnections(CONNECTIONS);
            return pool;
        }

        @Bean
        LocalContainerEntityManagerFactoryBean entityManagerFactory(
                DataSource dataSource,
                ConfigurableListableBeanFactory beans,
                FhirContext context,
                JpaStorageSettings settings) {
            LocalContainerEntityManagerFactoryBean factory =
                    HapiEntityManagerFactoryUtil.newEntityManagerFactory(beans, context, settings);
            Properties hibernate = new Properties();
            hibernate.setProperty("hibernate.dialect", HapiFhirH2Dialect.class.getName());
            hibernate.setProperty("hibernate.hbm2ddl.auto", "create");
            hibernate.setProperty("hibernate.search.enabled", "false");
            factory.setPersistenceUnitName("records");
            factory.setDataSource(dataSource);
            factory.setJpaProperties(hibernate);
            return factory;
        }

        @Bean
        JpaTransactionManager transactionManager(EntityManagerFactory entities) {
            return new JpaTransactionManager(entities);
        }
    }
}
